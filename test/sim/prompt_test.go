package sim

import (
	"time"

	"github.com/session-controller/session-controller/test/engine"
)

// What the last acts allow. Nothing takes time in this world but what waits for something: what is heard of is done at
// once, and the database is looked at every two seconds.
const (
	atOnce = 500 * time.Millisecond
	polled = 2*time.Second + atOnce
	// swept is a resync period with its jitter, and exitGrace: without an event nobody knows that it was a crash.
	swept = resync*11/10 + exitGrace + atOnce
)

// hanging is how many containers hang at once in a crowded world: six times as many as there are workers. Until each
// has been looked at once nobody knows that it hangs, which takes six times the five seconds of a call.
const (
	hanging    = 24
	allAreSlow = 35 * time.Second
)

// prompt is the first of the last acts (L1, L3): whatever hangs for good, a session whose container crashes and one
// that ends are acted on as soon as that is heard of, and within a sweep where it is not.
func (w *world) prompt() {
	n := w.nodes[0]
	if w.crowded {
		w.crowd(n)
	}
	crashes, ends, unheard := w.plain(n), w.plain(n), w.plain(n)
	w.pass(2 * time.Second) // whoever heard of their beginning has looked
	if crashes == nil || ends == nil || unheard == nil {
		return
	}
	if w.crowded {
		w.pass(allAreSlow)
	}
	w.sayf("somebody: %s of session %s crashes", crashes.container(), crashes.id)
	_ = n.engine.Exit(crashes.container(), 1)
	w.mustSettle(n, crashes, "ERROR", atOnce)
	w.end(ends, "TERMINATED")
	w.mustSettle(n, ends, "TERMINATED", polled)
	if w.crowded {
		return
	}
	w.sayf("engine %s: tells nobody that %s of session %s crashes", n.name, unheard.container(), unheard.id)
	n.engine.Deliver(func(string, string) []time.Duration { return nil })
	_ = n.engine.Exit(unheard.container(), 1)
	w.mustSettle(n, unheard, "ERROR", swept)
	n.engine.Deliver(nil)
}

// plain is a session without anything odd about it.
func (w *world) plain(n *node) *session {
	s := w.newSession(n, 1)
	w.insert(s, "ACTIVE", nil, 0)
	id, err := w.runs(n, engine.Spec{
		Name: "plain-" + s.id, Labels: map[string]string{label: s.id, "io.session-controller.installation": installation},
	})
	if err != nil {
		w.sayf("server: session %s gets no container: %v", s.id, err)
		return nil
	}
	s.made.Store(&id)
	w.save(s, id)
	return s
}

// mustSettle is a session that must have come to its end within a time, its container with it.
func (w *world) mustSettle(n *node, s *session, status string, within time.Duration) {
	w.pass(within)
	if r, _ := w.row(s.id); r.status != status {
		w.accusef("L1", "session %s is %s %s after what happened to it", s.id, r.status, within)
	}
	w.pass(w.removalDelay())
	r, _ := w.row(s.id)
	_, still := n.engine.Look(s.container())
	if r.status != status || r.claim != "" || still {
		w.accusef("L1", "session %s is %s %q, and its container is there: %t, %s after what happened to it", s.id, r.status,
			r.claim, still, within)
	}
}

// crowd makes many containers hang whose sessions end, so that all of them are to be looked at.
func (w *world) crowd(n *node) {
	all := make([]*session, 0, hanging)
	for range hanging {
		if s := w.plain(n); s != nil {
			all = append(all, s)
		}
	}
	w.pass(time.Second)
	for _, s := range all {
		_ = n.engine.Wedge(s.container(), true)
		w.end(s, "TERMINATED")
	}
	w.sayf("somebody: %d containers of sessions that end hang", len(all))
}

// thaws is the last act but one: an engine that answers nobody for a while and then everybody, with many sessions to be
// acted on. It is forgotten at once that their looks timed out.
func (w *world) thaws(away time.Duration) {
	n := w.nodes[0]
	if !w.thawed || away < 10*time.Second {
		return
	}
	all := make([]*session, 0, hanging)
	for range hanging {
		if s := w.plain(n); s != nil {
			all = append(all, s)
		}
	}
	w.pass(2 * time.Second)
	w.sayf("engine %s: answers nobody for %s, and %d sessions end meanwhile", n.name, away, len(all))
	heal := n.engine.Add(engine.Trouble{Kind: engine.Stall, Late: true})
	for _, s := range all {
		w.end(s, "TERMINATED")
	}
	w.pass(away)
	heal()
	w.pass(2*time.Second + w.removalDelay())
	var left []string
	for _, s := range all {
		r, _ := w.row(s.id)
		if _, still := n.engine.Look(s.container()); still || r.claim != "" {
			left = append(left, s.id)
		}
	}
	if len(left) > 0 {
		w.accusef("L1", "sessions %v are not done with two seconds after the engine answers again", left)
	}
}
