package main

import (
	"context"
	"errors"
	"time"
)

// What happens to a session that is well. Each is given one that has been struck out of the books, so that it is nobody
// else's, and returns the error of a call that went wrong; the session is ended then.
//
// Every statement names the row as it must be. One that meets no row has found a session harmed.

const isAsSaved = " WHERE id = $1 AND container_id = $2 AND status IN ('ACTIVE', 'IDLE')"

// changeRow is one statement on the row of a session that must still be as it was saved.
func (s *server) changeRow(ctx context.Context, is session, what, change string, more ...any) (bool, error) {
	met, err := s.db.hit(ctx, change+isAsSaved, append([]any{is.id, is.claim}, more...)...)
	if err != nil || !met {
		if err == nil {
			s.books.harm(is, "its row was not as it was saved when the server "+what)
		}

		return false, err
	}

	return true, nil
}

// rename is a session that goes from active to idle or back, which is no reason for anything.
func (s *server) rename(ctx context.Context, is session) error {
	ok, err := s.changeRow(ctx, is, "changed its status",
		"UPDATE sessions SET status = CASE status WHEN 'ACTIVE' THEN 'IDLE' ELSE 'ACTIVE' END")
	if ok {
		s.books.count("renamed")
		s.books.enter(is)
	}

	return err
}

// end ends a session and leaves its container to the controller.
func (s *server) end(ctx context.Context, is session) error {
	ok, err := s.changeRow(ctx, is, "ended it", "UPDATE sessions SET status = 'TERMINATED'")
	if ok {
		s.books.count("ended")
	}

	return err
}

// closeWell ends a session and takes its container down itself, while the controller does the same.
func (s *server) closeWell(ctx context.Context, is session) error {
	ok, err := s.changeRow(ctx, is, "ended it", "UPDATE sessions SET status = 'TERMINATED'")
	if !ok {
		return err
	}

	s.books.count("closed")

	if err := errors.Join(s.engine.stop(ctx, is.container), s.engine.remove(ctx, is.container)); err != nil {
		return err
	}

	// Either of the two clears the claim.
	_, err = s.db.hit(ctx, "UPDATE sessions SET container_id = NULL WHERE id = $1 AND container_id IN ($2, $3)",
		is.id, is.claim, is.container)

	return err
}

// remove deletes the row of a session while its container runs.
func (s *server) remove(ctx context.Context, is session) error {
	ok, err := s.changeRow(ctx, is, "deleted it", "DELETE FROM sessions")
	if ok {
		s.books.count("deleted")
	}

	return err
}

// kill is `docker kill` by somebody else.
func (s *server) kill(ctx context.Context, is session) error {
	s.books.count("killed")

	return s.engine.kill(ctx, is.container)
}

// tearDown is `docker rm -f` by somebody else.
func (s *server) tearDown(ctx context.Context, is session) error {
	s.books.count("torn down")

	return s.engine.remove(ctx, is.container)
}

// respawn gives a session a new container and leaves the old one to the controller.
func (s *server) respawn(ctx context.Context, is session) error {
	began := time.Now()

	b, err := s.engine.start(ctx, wish{session: is.id, labelled: true})
	if err != nil {
		return err
	}

	next := session{id: is.id, claim: anyForm(b), container: b.id, labelled: true, crowded: true}

	ok, err := s.changeRow(ctx, is, "saved its new container", "UPDATE sessions SET container_id = $3", next.claim)
	if !ok {
		return err
	}

	if time.Since(began) > serverLimit {
		s.books.count("too late")

		return s.abandon(ctx, is.id, nil)
	}

	s.books.count("respawned")
	s.books.enter(next)

	return nil
}

// replace gives a session a new container, kills the old one and dies before the new one is saved.
func (s *server) replace(ctx context.Context, is session) error {
	began := time.Now()

	b, err := s.engine.start(ctx, wish{session: is.id, labelled: true})
	if err != nil {
		return err
	}

	if err := s.engine.kill(ctx, is.container); err != nil {
		return err
	}

	if time.Since(began) > serverLimit {
		s.books.count("too late")

		return s.abandon(ctx, is.id, nil)
	}

	s.books.count("replaced")
	s.books.await(session{id: is.id, container: b.id, labelled: true})

	return nil
}

// revive gives a session that has ended a new container, with status and claim in one statement as it must.
func (s *server) revive(ctx context.Context) error {
	id, err := s.db.endedSession(ctx)
	if err != nil || id == "" {
		return err
	}

	began := time.Now()

	b, err := s.engine.start(ctx, wish{session: id, labelled: true})
	if err != nil {
		return err
	}

	next := session{id: id, claim: anyForm(b), container: b.id, labelled: true, crowded: true}

	met, err := s.db.hit(ctx, `UPDATE sessions SET status = 'ACTIVE', container_id = $2
		WHERE id = $1 AND status IN ('ERROR', 'TERMINATED')`, id, next.claim)

	switch {
	case err != nil:
		return s.abandon(ctx, id, err)
	case !met: // it was purged, or another revived it: the container is one too many
		s.books.count("leaked")
	case time.Since(began) > serverLimit:
		s.books.count("too late")

		return s.abandon(ctx, id, nil)
	default:
		s.books.count("revived")
		s.books.enter(next)
	}

	return nil
}
