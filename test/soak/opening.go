package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// The ways in which a session begins, well or not. Each returns the error of a call that went wrong; the session is
// ended then.

// open makes a session as a server should, in all the forms that servers have: the claim is saved after the container
// was made or before, as full id, short id or name, and the container is owned by label or by name.
func (s *server) open(ctx context.Context, resident bool) error {
	w := wish{session: s.books.newID(), labelled: chance(60), autoRemove: chance(25)}
	if chance(15) {
		w.command = []string{"/workload", "ignore-term"} // to be stopped, it must be killed
	}

	if !w.labelled && chance(40) {
		return s.openNameFirst(ctx, w, resident)
	}

	began := time.Now()

	if _, err := s.db.hit(ctx, insertRow, w.session, "ACTIVE", nil); err != nil {
		return err
	}

	b, err := s.engine.start(ctx, w)
	if err != nil {
		return s.abandon(ctx, w.session, err)
	}

	made := session{id: w.session, claim: anyForm(b), container: b.id, labelled: w.labelled, resident: resident}

	// The controller may have been faster and adopted it; that is the same container.
	saved, err := s.db.hit(ctx, `UPDATE sessions SET container_id = $2 WHERE id = $1 AND status = 'ACTIVE'
		AND (container_id IS NULL OR container_id = $3)`, made.id, made.claim, made.container)
	if err != nil {
		return s.abandon(ctx, w.session, err)
	}

	return s.opened(ctx, made, began, saved)
}

// openNameFirst saves the name before there is a container that has it.
func (s *server) openNameFirst(ctx context.Context, w wish, resident bool) error {
	began := time.Now()
	made := session{id: w.session, claim: s.engine.namePrefix() + w.session, resident: resident}

	if _, err := s.db.hit(ctx, insertRow, made.id, "ACTIVE", made.claim); err != nil {
		return err
	}

	b, err := s.engine.start(ctx, w)
	if err != nil {
		return s.abandon(ctx, w.session, err)
	}

	made.container = b.id

	return s.opened(ctx, made, began, true)
}

// opened enters a session in the books, unless the server took longer than it may: then nothing is promised to it.
func (s *server) opened(ctx context.Context, made session, began time.Time, saved bool) error {
	if time.Since(began) > serverLimit {
		s.books.count("too late")

		return s.abandon(ctx, made.id, nil)
	}

	s.books.count("opened")

	if !saved {
		s.books.harm(made, "its container was to be saved, and the row was not live and unclaimed any more")

		return nil
	}

	s.books.enter(made)

	return nil
}

// doomed opens a session whose process will end by itself in a few seconds: a crash.
func (s *server) doomed(ctx context.Context) error {
	after := time.Duration(1000+rand.IntN(5000)) * time.Millisecond
	w := wish{
		session: s.books.newID(), labelled: chance(60), autoRemove: chance(40),
		command: []string{"/workload", "exit-after", after.String(), "7"},
	}

	if _, err := s.db.hit(ctx, insertRow, w.session, "ACTIVE", nil); err != nil {
		return err
	}

	b, err := s.engine.start(ctx, w)
	if err != nil {
		return s.abandon(ctx, w.session, err)
	}

	s.books.count("crashed")

	_, err = s.db.hit(ctx, "UPDATE sessions SET container_id = $2 WHERE id = $1 AND status = 'ACTIVE'",
		w.session, anyForm(b))

	return s.abandonAfter(ctx, w.session, err)
}

// leak makes a container for a session whose row is never written: the server died half-way.
func (s *server) leak(ctx context.Context) error {
	_, err := s.engine.start(ctx, wish{session: s.books.newID(), labelled: chance(70)})
	if err == nil {
		s.books.count("leaked")
	}

	return err
}

// unsaved makes a row and its container, and never saves the claim: the server died in between.
func (s *server) unsaved(ctx context.Context) error {
	w := wish{session: s.books.newID(), labelled: chance(70)}

	if _, err := s.db.hit(ctx, insertRow, w.session, "ACTIVE", nil); err != nil {
		return err
	}

	b, err := s.engine.start(ctx, w)
	if err != nil {
		return s.abandon(ctx, w.session, err)
	}

	s.books.count("unsaved")
	s.books.await(session{id: w.session, container: b.id, labelled: w.labelled})

	return nil
}

// neverMade saves a name and dies before there is a container.
func (s *server) neverMade(ctx context.Context) error {
	id := s.books.newID()

	_, err := s.db.hit(ctx, insertRow, id, "ACTIVE", s.engine.namePrefix()+id)
	if err == nil {
		s.books.count("never made")
	}

	return err
}

// neverStarted creates a container, saves it and dies before it is started.
func (s *server) neverStarted(ctx context.Context) error {
	w := wish{session: s.books.newID(), labelled: chance(50), unstarted: true}

	b, err := s.engine.start(ctx, w)
	if err != nil {
		return err
	}

	_, err = s.db.hit(ctx, insertRow, w.session, "ACTIVE", anyForm(b))
	if err == nil {
		s.books.count("never started")
	}

	return err
}

const insertRow = "INSERT INTO sessions (id, status, container_id) VALUES ($1, $2, $3)"

// anyForm is a claim of the container, in one of the forms that servers use.
func anyForm(b box) string { return []string{b.id, b.id[:shortID], b.name}[rand.IntN(3)] }

func chance(percent int) bool { return rand.IntN(100) < percent }
