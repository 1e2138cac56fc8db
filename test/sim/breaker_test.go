package sim

import (
	"strings"
	"time"

	"github.com/session-controller/session-controller/test/engine"
)

// hold is how long sessions that lost their containers together are held, as the documentation says it.
const hold = time.Minute

// disasters is what the observer knows of a node's disasters. node.mu guards it.
type disasters struct {
	// rowless is since when too many owned containers are without a row; zero when they are not.
	rowless time.Time
	// lost is when the node lost all its containers, and alive which of them ran then.
	lost  time.Time
	alive map[string]bool
}

// least is how many there must be for a share to mean anything.
func (w *world) least() int {
	if w.touchy {
		return 2
	}
	return 10
}

// noteRowless notes since when too many owned containers are without a row, and when there was no row any more.
func (w *world) noteRowless() {
	rows := w.rows()
	w.mu.Lock()
	if len(rows) == 0 && !w.empty {
		w.emptied = w.sequence
	}
	w.empty = len(rows) == 0
	w.mu.Unlock()
	for _, n := range w.nodes {
		trips := w.trips(n, rows, w.least())
		n.mu.Lock()
		switch {
		case !trips:
			n.rowless = time.Time{}
		case n.rowless.IsZero():
			n.rowless = time.Now()
		}
		n.mu.Unlock()
	}
}

// mark is that of what is read now.
func (w *world) mark() mark {
	w.mu.Lock()
	defer w.mu.Unlock()
	return mark{at: time.Now(), sequence: w.sequence}
}

// hadRowsJustBefore reports whether the process was told that the table has rows, a look ago at most, and the last of
// them was deleted since.
func (p *process) hadRowsJustBefore() bool {
	p.w.mu.Lock()
	emptied := p.w.emptied
	p.w.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hadRows.sequence <= emptied && time.Since(p.hadRows.at) < 3*prompt
}

// judgeBreaker is for a container that no row claims and that is stopped or removed: not while so many lost their rows
// together with it that the table must be the wrong one.
func (w *world) judgeBreaker(n *node, h engine.Happening) {
	n.mu.Lock()
	since := n.rowless
	n.mu.Unlock()
	lost := w.lostRow(h.Container)
	if since.IsZero() || lost.IsZero() || since.Sub(lost) > time.Second {
		return
	}
	w.accusef("S2", "%s of %s, which lost its row together with more than half of the others, %s ago", h.Op,
		h.Container.ID, time.Since(since))
}

// noteAlive notes what runs just before a node loses everything, and noteLoss that it has.
func (w *world) noteAlive(n *node) {
	alive := map[string]bool{}
	for _, c := range n.engine.All() {
		alive[c.ID] = c.Status.Alive()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alive = alive
}

func (w *world) noteLoss(n *node) {
	if !w.tooManyGone(n) {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost = time.Now()
}

// tooManyGone reports whether far more live sessions of a node than the breaker takes have no container.
func (w *world) tooManyGone(n *node) bool {
	live, gone := 0, 0
	for _, r := range w.rows() {
		claim := strings.TrimSpace(r.claim)
		if !r.live() || claim == "" || impossible(claim) || w.nodeOf(r) != n {
			continue
		}
		live++
		if _, there := n.engine.Look(claim); !there {
			gone++
		}
	}
	return live > w.least() && 4*gone > 3*live
}

// judgeHold is for a live row that is failed because its container is gone.
func (p *process) judgeHold(before row, container string, claimed time.Time) {
	n := p.node
	n.mu.Lock()
	lost, ran := n.lost, n.alive[container]
	n.mu.Unlock()
	if since := time.Since(lost); ran && claimed.Before(lost) && since < hold-slack && p.w.tooManyGone(n) {
		p.w.accusef("S2", "session %s was failed %s after every container was lost at once", before.id, since)
	}
}

// lostRow is when a container lost the last row that wanted it, as far as it is known.
func (w *world) lostRow(c engine.Container) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unwanted[c.ID]
}

// noteUnwanted notes that a row does not want any more what it wanted: what it claimed, or what was made for it since
// it last began to live. What was there before is not what it is about to claim: that has been without a row all the
// while, and a controller need not have seen a life that was over before it looked again. w.writing is held.
func (w *world) noteUnwanted(before, after row) {
	gone := after.status == ""
	w.mu.Lock()
	defer w.mu.Unlock()
	begins := after.live() && !before.live()
	if begins {
		w.older[after.id] = map[string]bool{}
	}
	for _, n := range w.nodes {
		for _, c := range n.engine.All() {
			own := owner(c) == before.id && !w.older[before.id][c.ID]
			ended := own && before.live() && (gone || !after.live())
			released := before.claim != "" && means(before.claim, c) && (gone || before.claim != after.claim)
			if ended || released {
				w.unwanted[c.ID] = time.Now()
			}
			if begins {
				w.older[after.id][c.ID] = true
			}
		}
	}
}
