package sim

import (
	"context"
	"net"
	"time"

	"github.com/session-controller/session-controller/test/engine"
)

// doubtEvents notes that stops may be taken for crashes for a while, doubtClock that waits may be shorter than graces.
func (n *node) doubtEvents(d time.Duration) { n.doubt(&n.eventDoubt, d) }
func (n *node) doubtClock(d time.Duration)  { n.doubt(&n.clockDoubt, d) }

func (n *node) doubt(which *time.Time, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if until := time.Now().Add(d); until.After(*which) {
		*which = until
	}
}

// settleEvents ends a doubt that had no end of its own.
func (n *node) settleEvents(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, which := range []*time.Time{&n.eventDoubt, &n.eventsLost} {
		if until := time.Now().Add(d); until.Before(*which) {
			*which = until
		}
	}
}

func (n *node) eventsInDoubt() bool { return n.inDoubt(&n.eventDoubt) }
func (n *node) losesEvents() bool   { return n.inDoubt(&n.eventsLost) }
func (n *node) clockInDoubt() bool  { return n.inDoubt(&n.clockDoubt) }

func (n *node) inDoubt(which *time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Now().Before(*which)
}

// goWrong is a fault of an engine, of the database or of a controller.
func (w *world) goWrong(n *node, s step) {
	lasts := []time.Duration{
		100 * time.Millisecond, time.Second, 4 * time.Second, 9 * time.Second, 30 * time.Second, 80 * time.Second,
	}[s.b%6]
	ops := []engine.Op{
		"", "", engine.OpInspect, engine.OpInspect, engine.OpList, engine.OpInfo, engine.OpEvents, engine.OpStop,
		engine.OpRemove, engine.OpPing,
	}
	trouble := engine.Trouble{Op: ops[s.a%len(ops)], Delay: time.Duration(s.a%30) * 200 * time.Millisecond,
		Page: "<html>" + secret + "</html>"}
	kinds := map[string]engine.Kind{
		"slow": engine.Slow, "hang": engine.Hang, "refuse": engine.Refuse, "fail": engine.Fail,
		"stranger": []engine.Kind{engine.Stranger, engine.NotFound}[s.d%2], "cut": engine.Cut, "lost answer": engine.Refuse,
	}
	if kind, ok := kinds[s.kind]; ok {
		trouble.Kind, trouble.After = kind, s.kind == "lost answer"
		if trouble.After && (trouble.Op == "" || trouble.Op == engine.OpEvents) {
			trouble.Op = engine.OpRemove
		}
		heal := n.engine.Add(trouble)
		w.sayf("engine %s: %s on %q for %s", n.name, s.kind, trouble.Op, lasts)
		w.later(lasts, heal)
		return
	}
	if w.engineGoesWrong(n, s, lasts) || w.faults.goWrong(w, s, lasts) {
		return
	}
	w.controllerGoesWrong(n, s)
}

// later does something after a while, or at the end of the run.
func (w *world) later(d time.Duration, do func()) {
	w.beside(func() {
		w.pass(d)
		do()
	})
}

// outage lets an engine be away while do runs, when no other outage has it.
func (n *node) outage(do func()) {
	n.away <- struct{}{}
	defer func() { <-n.away }()
	do()
}

func (w *world) engineGoesWrong(n *node, s step, lasts time.Duration) bool {
	e := n.engine
	switch s.kind {
	case "freeze streams":
		n.doubtEvents(lasts + 3*time.Minute)
		e.FreezeStreams(true)
		w.later(lasts, func() { e.FreezeStreams(false) })
	case "cut streams":
		e.CutStreams()
	case "bad delivery":
		w.badDelivery(n, s)
	case "fail lists":
		n.listsFail.Store(true)
		if other := w.choose(s.d); other != nil && other.node == n && s.b%4 < 2 {
			w.remakeUnsaved(other)
		}
		w.later(lasts, func() { n.listsFail.Store(false) })
	case "forget":
		e.Forget()
		e.Probe(s.a % 300)
	case "crash engine", "reboot":
		live := s.kind == "crash engine" && s.a%2 == 0
		n.outage(func() {
			w.sayf("engine %s: crashes for %s, live restore %t", n.name, lasts, live)
			e.Crash()
			w.pass(lasts)
			e.Boot(live)
			w.sayf("engine %s: is back", n.name)
		})
		return true
	case "shutdown engine":
		live := s.a%2 == 0
		n.outage(func() {
			w.sayf("engine %s: is shut down for %s, live restore %t", n.name, lasts, live)
			e.Shutdown(live, 10*time.Second)
			w.pass(min(lasts, 30*time.Second))
			e.Boot(live)
			w.sayf("engine %s: is back", n.name)
		})
		return true
	case "swap engine":
		w.swap(n, true)
		w.later(lasts, func() { w.swap(n, false) })
		return true
	case "stand-in":
		w.standIn(n, lasts)
		return true
	case "miss a stop":
		w.missStop(n, s)
		return true
	case "first contact":
		w.firstContact(n, lasts)
		return true
	case "detour":
		w.detour(n, lasts, s.d%2 == 1)
		return true
	case "two engines":
		w.swap(n, true)
		n.mu.Lock()
		n.swapped, n.mixed = false, true
		n.mu.Unlock()
		w.sayf("engine %s: another one answers on every other connection, %s", n.name, lasts)
		w.later(lasts, func() { w.swap(n, false) })
		return true
	case "skew":
		if w.numbers { // which container is of which session is told by the order of times of two clocks there
			return true
		}
		skew := []time.Duration{0, time.Second, time.Hour, -time.Second, -time.Hour, 40 * time.Hour}[s.a%6]
		n.doubtClock(3 * time.Minute)
		n.skewed = true
		e.SetSkew(skew)
		w.sayf("engine %s: its clock is off by %s", n.name, skew)
		return true
	default:
		return false
	}
	w.sayf("engine %s: %s, %s", n.name, s.kind, lasts)
	return true
}

// badDelivery loses, doubles, delays and mixes up events.
func (w *world) badDelivery(n *node, s step) {
	mode := s.a % 5
	w.sayf("engine %s: delivers events badly (%d)", n.name, mode)
	if mode == 0 {
		n.engine.Deliver(nil)
		n.settleEvents(3 * time.Minute)
		return
	}
	// Doubled events tell the same twice, and of a death that is not heard of nobody knows that it was a crash.
	const forever = 1000 * time.Hour // until somebody settles it
	if mode > 2 {
		n.doubtEvents(forever)
	}
	if mode == 1 {
		n.doubt(&n.eventsLost, forever)
	}
	count := 0
	n.engine.Deliver(func(string, string) []time.Duration { // the engine calls it one event at a time
		count++
		switch {
		case mode == 1:
			return nil
		case mode == 2:
			return []time.Duration{0, 30 * time.Millisecond}
		case mode == 3 && count%3 == 0:
			return []time.Duration{time.Duration(s.b%8) * time.Second}
		case mode == 4 && count%2 == 0:
			return []time.Duration{time.Duration(count%7) * 10 * time.Millisecond}
		}
		return []time.Duration{0}
	})
}

// missStop breaks the event stream over the beginning of a stop that takes a while, and lets its end be heard.
func (w *world) missStop(n *node, s step) {
	for _, c := range n.engine.All() {
		if !c.Stubborn || c.Status != engine.Running || c.RestartPolicy != "" {
			continue
		}
		w.sayf("engine %s: nobody hears that %s is being stopped", n.name, c.ID)
		heal := n.engine.Add(engine.Trouble{Op: engine.OpEvents, Kind: engine.Refuse})
		n.engine.CutStreams()
		w.beside(func() { _, _ = n.engine.Stop(c.ID, 10*time.Second) })
		w.pass(time.Duration(1+s.b%4) * time.Second)
		if s.d%2 == 0 { // and nobody can be told of it later
			n.engine.Forget()
		}
		heal()
		return
	}
}

func (w *world) controllerGoesWrong(n *node, s step) {
	r := n.replicas[s.d%len(n.replicas)]
	after := []time.Duration{0, time.Second, 20 * time.Second}[s.b%3]
	switch s.kind {
	case "die at effect":
		r.arm(1+s.a%4, s.a%2 == 0, after)
		w.sayf("controller %s: will die at its effect number %d, after it: %t", r.name, 1+s.a%4, s.a%2 == 0)
	case "kill controller":
		w.sayf("controller %s: is killed, back after %s", r.name, after)
		r.restartAfter(after)
		r.end(true)
	case "stop controller":
		w.sayf("controller %s: is stopped, back after %s", r.name, after)
		r.restartAfter(after)
		r.end(false)
	default:
		panic("the simulation knows no step " + s.kind)
	}
}

// calmDown ends every fault.
func (w *world) calmDown() {
	w.faults.heal()
	w.faults.mu.Lock()
	w.faults.lost = 0
	w.faults.mu.Unlock()
	w.mu.Lock()
	w.meddling = meddling{}
	w.mu.Unlock()
	for _, n := range w.nodes {
		w.letGo(n)
		w.swap(n, false)
		n.engine.SetStandIn(nil)
		n.engine.Heal()
		n.engine.FreezeStreams(false)
		n.engine.Deliver(nil)
		if n.skewed {
			n.engine.SetSkew(0)
			n.doubtClock(3 * time.Minute)
		}
		n.listsFail.Store(false)
		n.engine.CutStreams()
		w.mu.Lock()
		n.behind = nil
		w.mu.Unlock()
		for _, c := range n.engine.All() {
			if !w.wedged {
				_ = n.engine.Wedge(c.ID, false)
			}
			_ = n.engine.FailRemovals(c.ID, false)
			_ = n.engine.SlowRemoval(c.ID, 0)
		}
		for _, r := range n.replicas {
			r.disarm()
		}
	}
	w.sayf("--- the faults have ended")
}

// dialer connects a controller to whatever answers for its node.
type dialer func(context.Context, string, string) (net.Conn, error)
