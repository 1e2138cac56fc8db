package sim

import (
	"strings"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/engine"
)

// The graces of the default policy, as its documentation says them. The observer has figures of its own.
const (
	exitGrace    = 5 * time.Second
	startGrace   = 30 * time.Second
	restartGrace = time.Minute
	leakGrace    = 2 * time.Minute
	goneGrace    = 10 * time.Second
	stopTimeout  = 10 * time.Second
	adoptAfter   = time.Minute
	// slack is for what is measured on two clocks.
	slack = 50 * time.Millisecond
	// prompt is how old what was read may be when an effect is begun.
	prompt = time.Second
)

// observed lets a write happen and looks at the row before and after it.
func (p *process) observed(
	what string, read sessiondb.Row, do func() (sessiondb.Row, error),
) (sessiondb.Row, error) {
	w := p.w
	w.writing.Lock()
	defer w.writing.Unlock()
	before, there := w.row(read.ID)
	now, err := do()
	after, still := w.row(read.ID)
	if there != still {
		w.accusef("S4", "a %s made or deleted session %s", what, read.ID)
		return now, err
	}
	if err != nil {
		if before != after {
			w.accusef("S4", "a %s that failed (%v) changed session %s", what, err, read.ID)
		}
		return now, err
	}
	w.sayf("controller %s: %s: session %s %s %q -> %s %q",
		p.name, what, read.ID, before.status, before.claim, after.status, after.claim)
	p.judgeWrite(read, before, after)
	if before != after {
		w.noteUnwanted(before, after)
		w.noteRowless()
		w.changed(before, after)
		w.bind(after)
	}
	return now, err
}

// judgeWrite checks a write against what is so.
func (p *process) judgeWrite(read sessiondb.Row, before, after row) {
	w := p.w
	if read.Status != before.status || read.Claim != before.claim {
		w.accusef("S4", "session %s was %s %q when it was written, and had been read as %s %q",
			read.ID, before.status, before.claim, read.Status, read.Claim)
	}
	if w.engines > 1 && before.node != p.node.name {
		w.accusef("S2", "session %s of node %q was written by the controller of %s", read.ID, before.node, p.node.name)
		return
	}
	switch {
	case before.unknown():
		w.accusef("S2", "session %s has the status %s, which nobody knows, and was written", read.ID, before.status)
	case before.status != after.status && (after.status != "ERROR" || !before.live()):
		w.accusef("S4", "session %s went from %s to %s", read.ID, before.status, after.status)
	case before.status != after.status:
		p.judgeFailure(before, after)
	case before.live():
		p.judgeAdoption(before, after)
	case before.claim == "" && after.claim != "":
		w.accusef("S4", "ended session %s claimed nothing and was given %q", before.id, after.claim)
	case after.claim != "":
		p.judgePin(before, after)
	}
	if before.claim != "" && after.claim == "" {
		p.judgeRelease(before)
	}
}

// judgeFailure is S1: nobody whose container has run unbroken since it was looked at is failed, and what was stopped on
// purpose, or may be about to be started, is given its grace.
func (p *process) judgeFailure(before, after row) {
	w := p.w
	if w.suffers(before.id) {
		return
	}
	if strings.TrimSpace(before.claim) == "" {
		w.accusef("S1", "session %s claims nothing and was failed", before.id)
		return
	}
	now := time.Now()
	claimed := w.lastChange(before.id).claimed
	c, there := p.node.engine.Look(before.claim)
	// One that runs, of another session, fails this one whatever else there is: it is the table's row 5, ahead of row 7.
	taken := there && w.exclusive && c.Status.Alive() && labelOf(c) != "" && labelOf(c) != before.id
	if other := p.successor(before); other != "" && !taken {
		w.accusef("S1", "session %s was failed, and %s, the only one that is labelled with it, runs", before.id, other)
	}
	if !there {
		p.judgeGone(before, claimed)
		return
	}
	looked := p.looked(before.claim)
	switch {
	case w.exclusive && labelOf(c) != "" && labelOf(c) != before.id: // it has no right to it
	case c.Status.Alive() && (looked.IsZero() || c.Since.Before(looked)):
		w.accusef("S1", "session %s was failed, and %s runs since %s, before it was looked at", before.id, c.ID,
			c.Since.Sub(w.began))
	case c.Status.Alive(), p.node.clockInDoubt():
	case c.Status == engine.Created:
		if now.Sub(claimed) < startGrace-slack {
			w.accusef("S1", "session %s was failed %s after it claimed %s, which is about to start", before.id,
				now.Sub(claimed), c.ID)
		}
	case c.Status == engine.Exited && c.RestartPolicy != "" && c.RestartPolicy != "no":
		if now.Sub(c.Ended) < restartGrace-slack {
			w.accusef("S1", "session %s was failed %s after %s ended, which its engine may start again", before.id,
				now.Sub(c.Ended), c.ID)
		}
	case c.Killed && now.Sub(c.Ended) < exitGrace-slack && !p.node.eventsInDoubt():
		w.accusef("S1", "session %s was failed %s after somebody stopped %s", before.id, now.Sub(c.Ended), c.ID)
	}
	if after.claim != "" && after.claim != c.ID && !c.Since.After(looked) {
		w.accusef("S5", "session %s was failed and claims %q now, not %s", before.id, after.claim, c.ID)
	}
}

// successor is the one container that a session could be given in place of the one that it claims: it runs, has done so
// for longer than a look is old, and no other could be it.
func (p *process) successor(r row) string {
	found := ""
	for _, c := range p.node.engine.All() {
		if owner(c) != r.id || !p.w.labelled(c) || c.Status != engine.Running || means(r.claim, c) {
			continue
		}
		if found != "" || time.Since(c.Since) < prompt || p.w.mayPredate(c, r) || p.w.none && labelOf(c) == "" {
			return ""
		}
		found = c.ID
	}
	return found
}

// judgeGone is judgeFailure for a claim that means no container.
func (p *process) judgeGone(before row, claimed time.Time) {
	w, now := p.w, time.Now()
	w.mu.Lock()
	meant := w.meant[before.id]
	w.mu.Unlock()
	c, was := p.node.engine.Past(before.claim)
	if !was { // it was claimed by its name
		c, was = p.node.engine.Past(meant)
	}
	p.judgeHold(before, c.ID, claimed)
	switch {
	case p.node.clockInDoubt():
	case !was || c.Name != before.claim && !strings.HasPrefix(c.ID, before.claim):
		if now.Sub(claimed) < startGrace-slack {
			w.accusef("S1", "session %s was failed %s after it claimed %q, which may be about to be made", before.id,
				now.Sub(claimed), before.claim)
		}
	case p.node.losesEvents() && c.Made.After(claimed) && now.Sub(claimed) >= startGrace-slack:
		// Its name was saved ahead of it, and it came and went unheard: nobody can know that it ever was.
	case c.Killed && now.Sub(c.Ended) < exitGrace-slack && !p.node.eventsInDoubt():
		w.accusef("S1", "session %s was failed %s after somebody stopped %s, which is gone", before.id, now.Sub(c.Ended),
			c.ID)
	}
}

// judgeAdoption is a live row that is pointed at a container.
func (p *process) judgeAdoption(before, after row) {
	w, now := p.w, time.Now()
	if before.claim == after.claim || w.suffers(before.id) {
		return
	}
	if after.claim == "" {
		w.accusef("S1", "live session %s lost its claim %q", before.id, before.claim)
		return
	}
	if c, there := p.node.engine.Look(before.claim); before.claim != "" && there && c.Status.Alive() &&
		c.Since.Before(p.looked(before.claim)) {
		w.accusef("S1", "live session %s was pointed away from %s, which runs", before.id, c.ID)
	}
	c, there := p.node.engine.Look(after.claim)
	switch {
	case !there: // it went meanwhile
		return
	case c.ID != after.claim:
		w.accusef("S5", "session %s was pointed at %q, which is no full id", before.id, after.claim)
	case owner(c) != before.id || !w.labelled(c):
		w.accusef("S1", "session %s was pointed at %s, which is not labelled with it", before.id, c.ID)
	case now.Sub(c.Since) < adoptAfter-slack && c.RestartCount == 0 && c.Starts == 1:
		w.accusef("S1", "session %s was pointed at %s after %s", before.id, c.ID, now.Sub(c.Since))
	case w.numbers && before.created.After(c.Made):
		w.accusef("S1", "session %s of %s was pointed at %s, which is older than it", before.id, before.created, c.ID)
	}
	for _, other := range p.node.engine.All() {
		if other.ID != c.ID && owner(other) == before.id && w.labelled(other) && other.Status == engine.Running &&
			now.Sub(other.Since) > 10*time.Second && other.ID != before.claim {
			w.accusef("S1", "session %s was pointed at %s, and could as well mean %s", before.id, c.ID, other.ID)
		}
	}
}
