package sim

import (
	"strings"
	"time"

	"github.com/session-controller/session-controller/test/engine"
)

// watch puts the observer before every stop and removal that a controller asks an engine for.
func (w *world) watch(n *node, e *engine.Engine, stranger bool) {
	e.Witness(func(h engine.Happening) {
		if stranger {
			w.accusef("S2", "another engine than that of %s was asked for the %s of %s", n.name, h.Op, h.Container.ID)
			return
		}
		w.judgeEffect(n, h)
	})
	e.Watch(func(c engine.Call) {
		w.mu.Lock()
		behind := n.behind
		w.mu.Unlock()
		if stranger {
			return
		}
		if behind != nil {
			behind(c)
		}
		w.meddlesWithCall(n, c)
	})
}

// acting notes who asks for an effect on a container.
func (w *world) acting(p *process, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.actors == nil {
		w.actors = map[string]*process{}
	}
	w.actors[id] = p
}

// judgeEffect checks a stop or a removal against what is so.
func (w *world) judgeEffect(n *node, h engine.Happening) {
	c := h.Container
	w.mu.Lock()
	p := w.actors[c.ID]
	w.mu.Unlock()
	if p == nil {
		w.accusef("S3", "nobody is known to have asked for the %s of %s", h.Op, c.ID)
		return
	}
	w.noteRowless()
	rows := w.rows()
	claimed := false
	for _, r := range rows {
		// A name may be another container's on another node. An id is not.
		here := w.nodeOf(r) == n || w.nodeOf(r) == nil || r.claim != c.Name
		if means(r.claim, c) && here {
			claimed = true
			p.judgeClaimed(h, r)
		} else if owner(c) == r.id {
			p.judgeOwned(h, r)
		}
	}
	if h.Force && c.Status != engine.Dead {
		w.accusef("S3", "%s was removed by force and is %s", c.ID, c.Status)
	}
	if h.Volumes {
		w.accusef("S3", "%s of %s together with its volumes, which nobody asked for", h.Op, c.ID)
	}
	if h.Op == engine.OpStop && h.Grace != stopTimeout {
		w.accusef("S3", "%s of %s with a grace of %s, want %s", h.Op, c.ID, h.Grace, stopTimeout)
	}
	if kept(c) {
		w.accusef("S3", "%s of %s, which carries the keep label", h.Op, c.ID)
	}
	if owner(c) == "" && !w.claimed {
		w.accusef("S3", "%s of %s (%s), which is foreign", h.Op, c.ID, c.Name)
	}
	if claimed || !p.settled(c) {
		return
	}
	w.judgeBreaker(n, h)
	unwanted := w.lostRow(c)
	switch {
	case !w.labelled(c):
		w.accusef("S3", "%s of %s (%s), which no row claims and which is not labelled", h.Op, c.ID, c.Name)
	case w.none:
		w.accusef("S3", "%s of %s, which no row claims, where nothing leaked may be removed", h.Op, c.ID)
	case time.Since(unwanted) < goneGrace-slack:
		w.accusef("S1", "%s of %s, %s after it lost its row: nobody looked twice", h.Op, c.ID, time.Since(unwanted))
	case len(rows) == 0 && !p.hadRowsJustBefore():
		w.accusef("S2", "%s of %s while the table is empty", h.Op, c.ID)
	case time.Since(c.Made) < leakGrace-slack && !n.clockInDoubt():
		w.accusef("S1", "%s of %s, which no row claims, at an age of %s", h.Op, c.ID, time.Since(c.Made))
	}
}

// judgeClaimed is for a row that claims the container which is stopped or removed.
func (p *process) judgeClaimed(h engine.Happening, r row) {
	w, c := p.w, h.Container
	if w.suffers(r.id) || !p.knew(c.ID, r) {
		return
	}
	switch {
	case r.ended() && labelOf(c) != "" && labelOf(c) != r.id && !w.wantsRemoved(c):
		w.accusef("S1", "%s of %s, which is session %s's and which ended session %s claims", h.Op, c.ID, labelOf(c), r.id)
	case r.live():
		w.accusef("S1", "%s of %s, which live session %s claims", h.Op, c.ID, r.id)
	case r.unknown():
		w.accusef("S2", "%s of %s, which session %s of status %s claims", h.Op, c.ID, r.id, r.status)
	case h.Op == engine.OpRemove && c.Status == engine.Exited && time.Since(c.Ended) < w.removalDelay()-slack &&
		!p.node.clockInDoubt():
		w.accusef("S5", "%s of %s, which was to be kept, %s after its end", h.Op, c.ID, time.Since(c.Ended))
	case r.claim != c.ID && !w.pinned(c.ID):
		w.accusef("S5", "%s of %s, which ended session %s claims as %q and not by its full id", h.Op, c.ID, r.id, r.claim)
	}
}

// judgeOwned is for the row of the container's session, which claims something else or nothing.
func (p *process) judgeOwned(h engine.Happening, r row) {
	w, c := p.w, h.Container
	if w.suffers(r.id) || !p.knew(c.ID, r) || w.claimedByEnded(c) {
		return
	}
	n := w.nodeOf(r)
	switch {
	case r.unknown():
		w.accusef("S2", "%s of %s, whose session %s has the status %s", h.Op, c.ID, r.id, r.status)
	case n == nil:
		w.accusef("S2", "%s of %s, whose session %s is of nobody knows which node", h.Op, c.ID, r.id)
	case r.live() && n != p.node:
		w.accusef("S1", "%s of %s, whose session %s is live on another node", h.Op, c.ID, r.id)
	case r.live() && strings.TrimSpace(r.claim) == "":
		w.accusef("S1", "%s of %s, whose live session %s claims nothing yet", h.Op, c.ID, r.id)
	case r.live():
		other, there := n.engine.Look(r.claim)
		if !there && !w.everWas(r.claim) || there && !other.Status.Alive() && time.Since(other.Ended) > prompt {
			w.accusef("S1", "%s of %s, whose live session %s has no other that runs", h.Op, c.ID, r.id)
		}
	}
}

// everWas reports whether a container that a claim means has been there: then it may have gone just now.
func (w *world) everWas(claim string) bool {
	for _, n := range w.nodes {
		if c, was := n.engine.Past(claim); was && time.Since(c.Ended) < prompt {
			return true
		}
	}
	return false
}

// pinned reports whether a row claims a container by its full id.
func (w *world) pinned(id string) bool {
	for _, r := range w.rows() {
		if r.claim == id {
			return true
		}
	}
	return false
}

// claimedByEnded reports whether an ended row claims a container: then it goes with that row's session.
func (w *world) claimedByEnded(c engine.Container) bool {
	for _, r := range w.rows() {
		if r.ended() && means(r.claim, c) && (labelOf(c) == "" || labelOf(c) == r.id) {
			return true
		}
	}
	return false
}

// wantsRemoved reports whether the session whose label a container carries is none any more.
func (w *world) wantsRemoved(c engine.Container) bool {
	r, there := w.row(labelOf(c))
	return !there || r.ended()
}

// knew reports whether a row was what it is when the process last read it before it asked for an effect on a container,
// or has been so for longer than an effect may lag behind its reads.
func (p *process) knew(container string, r row) bool {
	p.mu.Lock()
	called := p.calls[container]
	p.mu.Unlock()
	read := called.reads["id:"+r.id]
	if m := called.reads["claim:"+r.claim]; m.sequence > read.sequence {
		read = m
	}
	last := p.w.lastChange(r.id)
	return read.sequence > last.sequence || called.at.Sub(last.at) > prompt
}

// settled reports whether no row that has to do with a container has changed since the process asked for an effect on
// it: that of its session, and those that were seen to mean it.
func (p *process) settled(c engine.Container) bool {
	p.mu.Lock()
	called := p.calls[c.ID].at
	p.mu.Unlock()
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	for id, change := range p.w.changes {
		concerned := id == owner(c) || p.w.meant[id] == c.ID || change.was != "" && means(change.was, c)
		if concerned && !change.at.Before(called) {
			return false
		}
	}
	return true
}
