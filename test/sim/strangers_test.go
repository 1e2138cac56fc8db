package sim

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/engine"
)

// swap makes another engine answer in place of the node's own, or its own again.
func (w *world) swap(n *node, swapped bool) {
	n.mu.Lock()
	was := n.swapped || n.mixed
	n.swapped, n.mixed = swapped, false
	n.mu.Unlock()
	if was == swapped {
		return
	}
	w.sayf("engine %s: another one answers: %t", n.name, swapped)
	if swapped {
		w.populate(n)
	}
	n.doubtEvents(2 * time.Minute)
	n.engine.Break()
	n.stranger.Break()
}

// populate gives the other engine containers that look like ours, some with the names of ours. Not where engines have
// been forgotten: one that has a container of a claimed name is then taken for the right one, and has to be.
func (w *world) populate(n *node) {
	if len(n.stranger.All()) > 0 || w.forgotten {
		return
	}
	for i, c := range n.engine.All() {
		if i%2 == 0 {
			_, _ = n.stranger.Run(c.Spec)
		}
	}
}

// detour lets the address lead to another engine for a while. It breaks the event streams that were open, or all
// connections. Those that are made meanwhile live on, and still lead to the other one afterwards.
func (w *world) detour(n *node, lasts time.Duration, all bool) {
	w.sayf("engine %s: its address leads to another one for %s, after all connections were broken: %t", n.name, lasts, all)
	w.populate(n)
	n.doubtEvents(lasts + 2*time.Minute)
	n.lead(true)
	if all {
		n.engine.Break()
	} else {
		n.engine.CutStreams()
	}
	w.later(lasts, func() {
		w.sayf("engine %s: its address leads to it again", n.name)
		n.doubtEvents(2 * time.Minute)
		n.lead(false)
	})
}

// lead lets new connections lead to the other engine, or to the node's own.
func (n *node) lead(astray bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.swapped, n.mixed = astray, false
}

// standIn puts another engine behind the proxy that the connections lead to. Before that the proxy finds no engine for
// a moment, which ends the streams and no other connection; before the own engine is back it is away itself.
func (w *world) standIn(n *node, lasts time.Duration) {
	w.sayf("engine %s: another one answers through the same connections for %s", n.name, lasts)
	w.populate(n)
	n.doubtEvents(lasts + 2*time.Minute)
	heal := n.engine.Add(engine.Trouble{Kind: engine.Stranger})
	n.engine.CutStreams()
	w.pass(100 * time.Millisecond)
	n.engine.SetStandIn(n.stranger)
	heal()
	w.later(lasts, func() {
		n.outage(func() {
			n.doubtEvents(2 * time.Minute)
			n.engine.Crash()
			w.pass(3 * time.Second)
			n.engine.SetStandIn(nil)
			n.engine.Boot(true)
		})
	})
}

// firstContact makes controllers that remember no engine meet one that has none of the containers. Afterwards an
// operator trusts the right one: it may have none of the containers any more, either.
func (w *world) firstContact(n *node, lasts time.Duration) {
	claims := 0
	for _, r := range w.rows() {
		if c, there := n.engine.Look(r.claim); r.live() && r.claim != "" && there && c.Status.Alive() && w.nodeOf(r) == n {
			claims++
		}
	}
	if claims < 2 || len(n.stranger.All()) > 0 { // one may end meanwhile; without any claim any engine is the right one
		return
	}
	lasts = min(lasts, 4*time.Second)
	w.sayf("engine %s: is forgotten, and another one without any container answers for %s", n.name, lasts)
	w.forgotten = true
	for _, r := range n.replicas {
		r.restartAfter(time.Second)
		r.end(true)
	}
	n.mu.Lock()
	n.swapped = true
	n.mu.Unlock()
	n.doubtEvents(lasts + 2*time.Minute)
	n.engine.Break()
	w.forgetEngines()
	w.pass(lasts)
	w.swap(n, false)
	w.forgetEngines()
	w.trustEngines()
}

// forgetEngines takes away what the controllers remember of their engines, as an operator can.
func (w *world) forgetEngines() {
	db, err := sql.Open("sqlite", w.path+".session-controller.db?_pragma=busy_timeout(5000)")
	if err != nil {
		w.t.Error(err)
		return
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(context.Background(), "DELETE FROM engine"); err != nil {
		w.sayf("operator: could not make the engines forgotten: %v", err)
	}
}

// trustEngines is what `trust-engine` does.
func (w *world) trustEngines() {
	for _, n := range w.nodes {
		store, err := sessiondb.Open(w.ctx, w.database(n))
		if err != nil {
			w.t.Error(err)
			return
		}
		ledger, err := store.OpenLedger(w.ctx, true)
		if err == nil {
			err = errors.Join(ledger.RememberEngine(w.ctx, "ENGINE-"+n.name+"@/var/lib/docker", ""), ledger.Close())
		}
		if err := errors.Join(err, store.Close()); err != nil && !errors.Is(err, sessiondb.ErrConflict) {
			w.t.Error(err)
		}
	}
}
