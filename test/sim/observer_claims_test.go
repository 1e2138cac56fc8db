package sim

import (
	"maps"

	"github.com/session-controller/session-controller/test/engine"
)

// judgePin is an ended row whose claim is made a full id.
func (p *process) judgePin(before, after row) {
	c, there := p.node.engine.Look(before.claim)
	if there && c.ID != after.claim && c.Since.Before(p.looked(before.claim)) && !p.w.suffers(before.id) {
		if w, ok := p.node.engine.Look(after.claim); !ok || w.Name == before.claim {
			p.w.accusef("S5", "ended session %s claimed %q, which is %s, and was pinned to %s", before.id, before.claim, c.ID,
				after.claim)
		}
	}
	if after.claim != before.claim && len(after.claim) != 64 {
		p.w.accusef("S5", "ended session %s was pinned to %q, which is no full id", before.id, after.claim)
	}
}

// judgeRelease is S5: a claim is cleared when its container is gone, another session's, or claimed by another row: one
// that is live, or was so when the process last read the session, as the other one may end at any moment.
func (p *process) judgeRelease(before row) {
	w := p.w
	c, there := p.node.engine.Look(before.claim)
	looked := p.looked(before.claim)
	w.mu.Lock()
	meant := w.meant[before.id]
	w.mu.Unlock()
	if looked.IsZero() { // an ended row's claim is looked at as what it meant
		looked = p.looked(meant)
	}
	if !there || !looked.IsZero() && c.Made.After(looked) {
		return
	}
	if o := labelOf(c); o != "" && o != before.id {
		return
	}
	if p.sharedWhenRead(before, c) {
		return
	}
	// The claim of an ended row means what it meant while the row was live: the name may be another container's by now.
	if meant != "" && meant != c.ID {
		return
	}
	w.accusef("S5", "session %s lost its claim %q, and %s is there (%s)", before.id, before.claim, c.ID, c.Status)
}

// sharedWhenRead reports whether a row other than that of a session claims its container and has not ended, or did so
// when the process last read the session and has changed since.
func (p *process) sharedWhenRead(session row, c engine.Container) bool {
	p.mu.Lock()
	read := p.reads["id:"+session.id].sequence
	p.mu.Unlock()
	p.w.mu.Lock()
	changes := maps.Clone(p.w.changes)
	p.w.mu.Unlock()
	for _, r := range p.w.rows() {
		claims := r.claim != "" && means(r.claim, c)
		if r.id != session.id && claims && (!r.ended() || changes[r.id].sequence > read) {
			return true
		}
	}
	for id, change := range changes {
		if id != session.id && change.sequence > read && change.was != "" && means(change.was, c) {
			return true
		}
	}
	return false
}
