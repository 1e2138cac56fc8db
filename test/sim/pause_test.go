package sim

import (
	"context"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

const (
	// obeys is how long after an operator's word a controller may still begin something: what it knows of a pause may be
	// four seconds old and have been read for five, and an effect that is allowed may wait for as long for rows that are
	// read once more, and for a database that is slow for once.
	obeys = 20 * time.Second
	// delay is the removalDelay of a run that has one.
	delay = 20 * time.Second
	// tail is how many lines of output are kept in a run that keeps some.
	tail = 2
)

// pauses is where the pause of one process's node is kept, behind the same database as everything. The real one, which
// is told apart by the database's own clock, has tests of its own: that clock knows no virtual time.
type pauses struct{ process *process }

// Paused reads the pause.
func (p pauses) Paused(ctx context.Context) (sessiondb.Pause, error) {
	if p.process.isDead() {
		return sessiondb.Pause{}, errDead
	}
	if err := p.process.w.faults.call(ctx, "read whether it is paused"); err != nil {
		return sessiondb.Pause{}, err
	}
	n := p.process.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.forgotten {
		return sessiondb.Pause{}, nil
	}
	p.process.told.Store(n.pause.Made)
	return n.pause, nil
}

// forgetPauses is a database that is as it was before anybody paused anything.
func (w *world) forgetPauses() {
	for _, n := range w.nodes {
		n.mu.Lock()
		n.forgotten = true
		n.mu.Unlock()
	}
}

// hold pauses a node's controllers, and letGo ends that.
func (w *world) hold(n *node, lasts time.Duration) {
	n.mu.Lock()
	now := time.Now()
	n.pause, n.forgotten = sessiondb.Pause{
		Since: now, Until: now.Add(lasts), By: "operator", Reason: "to think", Made: n.nextPause(),
	}, false
	n.mu.Unlock()
	w.sayf("operator: pauses the controllers of %s for %s", n.name, lasts)
}

// nextPause is what the record of a pause is told from others by: that of the pause that lasts, as the database knows
// it, or another one. n.mu is held.
func (n *node) nextPause() int64 {
	if n.pause.Active() && !n.forgotten {
		return n.pause.Made
	}
	return n.pause.Made + 1
}

func (w *world) letGo(n *node) {
	n.mu.Lock()
	now := time.Now()
	n.pause, n.forgotten = sessiondb.Pause{Since: now, Until: now, Made: n.nextPause()}, false
	n.mu.Unlock()
	w.sayf("operator: the controllers of %s may go on", n.name)
}

// judgePaused is before an effect: none begins while an operator has paused the controller for long enough that it must
// know: it was told of it, or would have been.
func (p *process) judgePaused(what string) {
	p.node.mu.Lock()
	pause, forgotten := p.node.pause, p.node.forgotten
	p.node.mu.Unlock()
	knows := !forgotten || p.told.Load() == pause.Made
	if pause.Active() && knows && time.Since(pause.Since) > obeys {
		p.w.accusef("S6", "controller %s did the %s %s after it was paused", p.name, what, time.Since(pause.Since))
	}
}

// removalDelay is how long a dead container is kept.
func (w *world) removalDelay() time.Duration {
	if w.delayed {
		return delay
	}
	return 0
}
