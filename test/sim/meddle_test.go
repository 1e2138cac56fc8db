package sim

import (
	"slices"

	"github.com/session-controller/session-controller/test/engine"
)

// meddling is something that the server does to a session between two calls that a controller makes for it: after it
// has read the row and before it writes it, between two looks, while a stop is under way.
type meddling struct {
	at    string // one of points
	left  int    // how many calls go by before
	what  string // what the server does
	spec  step   // of the container that it makes, where it makes one
	armed bool
}

// points are the calls that can be meddled with.
func points() []string {
	return []string{
		"read", "write", "write", "inspect", "inspect done", "list done", "info done", "stop", "stop done", "remove",
		"remove", "remove done", "look for rows", "look for rows", "logs", "logs done",
	}
}

// meddlings are what the server does there. It keeps its contract.
func meddlings() []string {
	return []string{"end", "delete", "toggle", "respawn", "respawn", "move", "unknown status", "error"}
}

// meddle arms one.
func (w *world) meddle(s step) {
	at, what := points(), meddlings()
	m := meddling{at: at[s.a%len(at)], left: s.b % 3, what: what[s.d%len(what)], spec: s, armed: true}
	w.sayf("server: will %s a session at the controller's %q number %d", m.what, m.at, m.left+1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meddling = m
}

// meddles is called where a controller makes a call that is about a session, or about the container that it claims.
// It reports whether the server did something.
func (w *world) meddles(at, session string) bool {
	w.mu.Lock()
	m := w.meddling
	if !m.armed || m.at != at || session == "" {
		w.mu.Unlock()
		return false
	}
	if w.meddling.left--; m.left > 0 {
		w.mu.Unlock()
		return false
	}
	w.meddling.armed = false
	w.mu.Unlock()
	s := w.sessionOf(session)
	if s == nil || s.deleted.Load() {
		return false
	}
	w.sayf("server: meddles with session %s at the controller's %q", s.id, at)
	m.do(w, s)
	return true
}

func (m meddling) do(w *world, s *session) {
	switch m.what {
	case "error":
		w.end(s, "ERROR")
	case "respawn":
		w.respawnNow(s, m.spec)
	default:
		w.serverActs(s, step{kind: m.what})
	}
}

// respawnNow gives a session whose container is down a new one, with status and claim in one statement.
func (w *world) respawnNow(s *session, step step) {
	if s.busy.Load() {
		return
	}
	r, ok := w.row(s.id)
	if old, there := s.node.engine.Look(s.container()); !ok || there && old.Status.Alive() && r.live() {
		w.end(s, "TERMINATED") // one labelled container per session
		return
	}
	spec := w.spec(s, step)
	id, err := w.runs(s.node, spec)
	if err != nil {
		return
	}
	s.made.Store(&id)
	w.takes(s, claimOf(step.c, id, spec.Name))
}

// sessionOf is the session that has an id now.
func (w *world) sessionOf(id string) *session {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range slices.Backward(w.sessions) { // an id can be used again
		if s.id == id {
			return s
		}
	}
	return nil
}

// meddlesWithCall is meddles for a call to an engine.
func (w *world) meddlesWithCall(n *node, c engine.Call) {
	at := string(c.Op)
	if c.Done {
		at += " done"
	}
	w.mu.Lock()
	wanted, pick := w.meddling.armed && w.meddling.at == at, w.meddling.spec.c
	w.mu.Unlock()
	if !wanted {
		return
	}
	if c.Ref == "" { // it is about no container: anybody's
		if s := w.choose(pick); s != nil {
			w.meddles(at, s.id)
		}
		return
	}
	id := c.Ref
	if found, there := n.engine.Look(c.Ref); there {
		id = found.ID
		if s := labelOf(found); s != "" {
			w.meddles(at, s)
			return
		}
	}
	for _, r := range w.rows() {
		if r.claim != "" && (r.claim == c.Ref || r.claim == id) {
			w.meddles(at, r.id)
			return
		}
	}
}
