package dockerwatch

import (
	"sync"
	"time"
)

const (
	// stopWindow is how far back the stream must have been whole for a death to count as a crash: a stop signal that was
	// sent before that and took longer than this to end its process is taken for a crash. The engine's own default is to
	// wait 10 s before it kills (and the kill is an event of its own), so one minute leaves a factor of six.
	stopWindow = time.Minute

	// historyKept is how long the events of a container that no longer exists are remembered: the longest usual grace
	// is one minute, the rest is room for retries.
	historyKept = 5 * time.Minute
)

// History remembers what the event stream said, by container. It is safe for concurrent use.
//
// It keeps the latest time of each kind of event rather than a state, so duplicates and reordering change nothing.
type History struct {
	mu         sync.Mutex
	containers map[string]*past
	// names has the id of the container that was last heard to have a name.
	names      map[string]string
	wholeSince time.Time
	// interrupted says that the stream has ended, and gaps is how often it missed something, as far as is known.
	interrupted bool
	gaps        int
}

// past is what was heard of one container: the latest engine time of each kind of event.
type past struct {
	name                                  string // the last that was heard
	started, killed, died, oom, destroyed time.Time
	exitCode                              *int
	// wholeAtDeath is since when the stream had been whole when the die was heard.
	wholeAtDeath time.Time
	// diedReceived is when the die came, by this machine's clock; over says that the container has run since.
	diedReceived time.Time
	over         bool
	// wholeAtDestroy is since when the stream had been whole when the destroy was heard.
	wholeAtDestroy time.Time
	// named is when it was heard to get its name, by this machine's clock.
	named time.Time
	// heard is when an event last came, by this machine's clock: the engine's can be set back, or be another engine's for
	// a while, and what was heard a moment ago would look old.
	received time.Time
	// gaps is how many there had been in the stream by then.
	gaps int
}

// NewHistory returns an empty history whose stream has a gap until [History.Whole] is called.
func NewHistory() *History {
	return &History{containers: map[string]*past{}, names: map[string]string{}}
}

// Whole records that the stream is known to be without a gap since t (the engine's time). The zero time means that
// nothing is known: no death counts as a crash until it is called again.
func (h *History) Whole(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wholeSince = t
	if h.interrupted {
		h.gaps++
		h.interrupted = false
	}
}

// Interrupted records that the stream has ended: what happens now is not heard of, or later.
func (h *History) Interrupted() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.interrupted = true
}

// Resumed records that the stream goes on where it was interrupted and that all that it missed has been added.
func (h *History) Resumed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.interrupted = false
}

// Add records one event. An event that is heard twice, late or out of order changes nothing that is already known.
func (h *History) Add(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.containers[e.ID]
	if p == nil {
		p = &past{}
		h.containers[e.ID] = p
	}
	p.received, p.gaps = time.Now(), h.gaps
	switch e.Action {
	case ActionStart:
		p.started = later(p.started, e.Time)
		h.name(e, p)
	case ActionKill:
		p.killed = later(p.killed, e.Time)
	case ActionOOM:
		p.oom = later(p.oom, e.Time)
	case ActionDestroy:
		if e.Time.After(p.destroyed) {
			p.destroyed, p.wholeAtDestroy = e.Time, h.wholeSince
		}
	case ActionDie:
		// Where the engine's clock was set back since the last death, one that is earlier by it is the later one, if a look
		// in between has found the container running. Starts and kills of before stay ahead until that clock has caught up:
		// at worst a death is not known to be a crash, and its session waits for exitGrace.
		if e.Time.After(p.died) || p.over && !e.Time.Equal(p.died) {
			p.died, p.exitCode, p.wholeAtDeath = e.Time, e.ExitCode, h.wholeSince
			p.diedReceived, p.over = p.received, false
		}
	case ActionCreate, ActionRename:
		h.name(e, p)
	case ActionStop, ActionPause, ActionUnpause:
		// They say nothing about how a container ended.
	}
}

// name notes that a container has the event's name and no other one any more, unless it is known to be removed: then
// the event is late, and another one may have the name. h.mu is held.
func (h *History) name(e Event, p *past) {
	if e.Name == "" || !p.destroyed.IsZero() {
		return
	}
	if p.name != e.Name && h.names[p.name] == e.ID {
		delete(h.names, p.name)
	}
	if h.names[e.Name] != e.ID {
		p.named = p.received
	}
	p.name = e.Name
	h.names[e.Name] = e.ID
}

// Runs records that a look which began at looked, by this machine's clock, found the container running: a death that
// had been heard by then is of an earlier run. The start says so too, unless it is lost or the engine's clock has been
// set back since.
func (h *History) Runs(id string, looked time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.containers[id]
	if p == nil || p.died.IsZero() || !p.diedReceived.Before(looked) {
		return
	}
	p.over = true
	if !p.oom.After(p.died) {
		p.oom = time.Time{}
	}
}

// Evidence returns what was heard of the container with this full id since its last start. startedAt is the start that
// an inspect showed, or zero when there is none to show: whatever was heard before it belongs to an earlier run.
func (h *History) Evidence(id string, startedAt time.Time) Evidence {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.evidence(id, startedAt)
}

// evidence is Evidence with h.mu held.
func (h *History) evidence(id string, startedAt time.Time) Evidence {
	p := h.containers[id]
	if p == nil {
		return Evidence{}
	}
	start := later(p.started, startedAt)
	e := Evidence{
		DestroyedAt: p.destroyed, OOMKilled: !p.oom.IsZero() && !p.oom.Before(start),
		Stale: h.interrupted || p.gaps < h.gaps,
	}
	if p.died.IsZero() || p.died.Before(start) || p.over {
		return e
	}
	e.DiedAt, e.ExitCode = p.died, p.exitCode
	killed := !p.killed.IsZero() && !p.killed.Before(start)
	mustReach := later(start, p.died.Add(-stopWindow))
	whole := !p.wholeAtDeath.IsZero() && !p.wholeAtDeath.After(mustReach)
	e.Crash = !killed && whole
	return e
}

// NameEvidence is Evidence for a claim by a name that means no container now, and was seen to mean the one with this
// full id by a look that began at seen, by this machine's clock: of the container that was heard to get the name since,
// where there is one. That the one which was seen was removed says nothing when the stream has had a gap since, in
// which another one may have got its name.
func (h *History) NameEvidence(claim, id string, seen time.Time) Evidence {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := h.names[claimed(claim)]
	if p := h.containers[last]; p != nil && p.named.After(seen) {
		id = last
	}
	e := h.evidence(id, time.Time{})
	if p := h.containers[id]; p != nil && !p.wholeAtDestroy.Equal(h.wholeSince) {
		e.DestroyedAt = time.Time{}
	}
	return e
}

// Prune forgets containers that the engine no longer lists and that were last heard of more than a few minutes ago.
// Without it the memory grows with every container that ever lived.
func (h *History) Prune(listed func(id string) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, p := range h.containers {
		if time.Since(p.received) > historyKept && !listed(id) {
			delete(h.containers, id)
			if h.names[p.name] == id {
				delete(h.names, p.name)
			}
		}
	}
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
