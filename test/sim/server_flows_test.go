package sim

import (
	"time"
)

// open is a session that begins: row, container, start and claim, at the server's pace and in one of the orders that
// servers have. A server that dies half-way leaves what it has done so far.
func (w *world) open(n *node, step step) {
	s := w.newSession(n, step.c)
	spec := w.spec(s, step)
	dies := step.c % 16 // after so many things; most servers do not
	nameFirst := step.a%5 == 4
	status := []string{"ACTIVE", "IDLE"}[step.c%2]
	late := w.breaks == savesLate && step.d%2 == 0
	if late {
		s.suffers.Store(true)
	}
	w.sayf("server: session %s begins (%s, policy %q, rm %t, stubborn %t, name first %t, dies after %d, late %t)",
		s.id, spec.Name, spec.RestartPolicy, spec.AutoRemove, spec.Stubborn, nameFirst, dies, late)
	if w.engines == 2 && step.d%11 == 10 {
		w.sayf("server: and nobody knows on which node")
	}
	w.busy(s, func() {
		if dies > 4 {
			dies = 100
		}
		claim := any(nil)
		if nameFirst {
			claim = spec.Name
		}
		done := 0
		next := func() bool {
			if done++; done > dies {
				w.sayf("server: died over session %s", s.id)
				return false
			}
			w.pass(pace(step.a + done))
			return true
		}
		if !next() {
			return
		}
		w.insert(s, status, claim, step.d)
		if !next() {
			return
		}
		id, err := w.creates(n, spec)
		if err != nil {
			w.sayf("server: session %s gets no container: %v", s.id, err)
			w.end(s, "ERROR")
			return
		}
		w.sayf("server: made %s (%s) for session %s", id, spec.Name, s.id)
		s.made.Store(&id)
		w.bindAll()
		if !next() {
			return
		}
		if err := n.engine.Start(id); err != nil {
			w.sayf("server: died over %s of session %s, which does not start: %v", id, s.id, err)
			return
		}
		if nameFirst {
			return
		}
		if late {
			w.pass(150 * time.Second)
		}
		if !next() {
			return
		}
		w.save(s, claimOf(step.b, id, spec.Name))
	})
}

// respawn gives a session a new container: status and claim in one UPDATE, as the contract says. Where the rule is
// broken the old container is used again.
func (w *world) respawn(s *session, step step) {
	if s.deleted.Load() || s.busy.Load() {
		return
	}
	if w.breaks == usesAgain && s.container() != "" && step.a%2 == 0 {
		s.suffers.Store(true)
		w.sayf("server: session %s is revived with %s", s.id, s.container())
		w.server(s, "UPDATE sessions SET status = 'ACTIVE', container_id = $1 WHERE id = $2", s.container(), s.id)
		return
	}
	spec := w.spec(s, step)
	w.busy(s, func() {
		r, ok := w.row(s.id)
		if !ok {
			return
		}
		// One labelled container per session: what it had is ended first, where it is there.
		if old, there := s.node.engine.Look(s.container()); there && r.live() {
			w.end(s, "TERMINATED")
			_ = s.node.engine.Remove(old.ID, true)
			w.pass(pace(step.a))
		}
		id, err := w.runs(s.node, spec)
		if err != nil {
			return
		}
		s.made.Store(&id)
		w.pass(pace(step.b))
		w.takes(s, claimOf(step.c, id, spec.Name))
	})
}

// stopSession is a session that is ended with its container: the row before or after the stop.
func (w *world) stopSession(s *session, step step, rowFirst bool) {
	if s.deleted.Load() || s.container() == "" {
		return
	}
	gap := []time.Duration{0, 10 * time.Millisecond, time.Second, 3 * time.Second}[step.a%4]
	if w.breaks == endsLate && !rowFirst {
		gap = 20 * time.Second
		s.suffers.Store(true)
	}
	w.sayf("server: stops %s of session %s, row first %t, gap %s", s.container(), s.id, rowFirst, gap)
	w.beside(func() {
		if rowFirst {
			w.end(s, "TERMINATED")
			w.pass(gap)
			_, _ = s.node.engine.Stop(s.container(), 10*time.Second)
			return
		}
		_, _ = s.node.engine.Stop(s.container(), 10*time.Second)
		w.pass(gap)
		w.end(s, "TERMINATED")
	})
}

// share makes a second session claim the container of the first.
func (w *world) share(s *session, step step) {
	c, there := s.node.engine.Look(s.container())
	if !there || s.deleted.Load() {
		return
	}
	r, ok := w.row(s.id)
	if !ok || !r.live() || !c.Status.Alive() {
		return
	}
	second := w.newSession(s.node, 1)
	w.sayf("server: session %s shares %s with session %s", second.id, c.ID, s.id)
	w.insert(second, "ACTIVE", claimOf(step.a, c.ID, c.Name), 0)
}

// twice makes a second labelled container for a session, which is against the contract.
func (w *world) twice(s *session, step step) {
	spec := w.spec(s, step)
	s.suffers.Store(true)
	if id, err := w.runs(s.node, spec); err == nil {
		w.sayf("server: session %s gets a second container %s", s.id, id)
	}
}

// remakeUnsaved puts a new container in the place of the old one, which is claimed by its id, and dies before the claim
// of the new one is saved: only its label tells whose it is.
func (w *world) remakeUnsaved(s *session) {
	r, ok := w.row(s.id)
	old, there := s.node.engine.Look(s.container())
	if !ok || !there || !r.live() || r.claim == old.Name || !means(r.claim, old) || s.busy.Load() ||
		claimants(w.rows(), old) > 1 {
		return
	}
	w.busy(s, func() {
		if s.node.engine.Remove(old.ID, true) != nil {
			return
		}
		if id, err := w.runs(s.node, old.Spec); err == nil {
			s.made.Store(&id)
			w.sayf("server: makes %s of session %s anew as %s, and dies before it saves that", old.Name, s.id, id)
		}
	})
}

// recreate puts a new container of the same name in the place of the old one, without a word to the table: what claims
// it by its name means the new one. The gap is shorter than any grace.
func (w *world) recreate(s *session, step step) {
	r, ok := w.row(s.id)
	old, there := s.node.engine.Look(s.container())
	if !ok || !there || !r.live() || r.claim != old.Name || old.AutoRemove || s.busy.Load() ||
		claimants(w.rows(), old) > 1 {
		return
	}
	w.busy(s, func() {
		w.sayf("server: makes %s of session %s anew", old.Name, s.id)
		if s.node.engine.Remove(old.ID, true) != nil {
			return
		}
		w.pass([]time.Duration{0, time.Millisecond, time.Second, 3 * time.Second}[step.b%4])
		if id, err := w.runs(s.node, old.Spec); err == nil {
			s.made.Store(&id)
			w.bindAll()
			w.sayf("server: %s is %s now", old.Name, id)
		}
	})
}
