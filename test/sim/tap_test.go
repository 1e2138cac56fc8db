package sim

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// tappedStore is the store of one process: the real one behind a database that can be away, with an observer at every
// write.
type tappedStore struct {
	*sessiondb.Store

	process *process
}

func (s *tappedStore) faults(ctx context.Context, operation string) error {
	if s.process.isDead() {
		return errDead
	}
	return s.process.w.faults.call(ctx, operation)
}

// Get reads a row.
func (s *tappedStore) Get(ctx context.Context, id string) (sessiondb.Row, error) {
	if err := s.faults(ctx, "read session"); err != nil {
		return sessiondb.Row{}, err
	}
	s.process.reading("id:" + id)
	row, err := s.Store.Get(ctx, id)
	s.process.w.meddles("read", id) //nolint:contextcheck // the server has a context of its own
	return row, err
}

// Claimants reads the rows that claim something.
func (s *tappedStore) Claimants(ctx context.Context, claims []string) ([]sessiondb.Row, error) {
	if err := s.faults(ctx, "read claimants"); err != nil {
		return nil, err
	}
	for _, claim := range claims {
		s.process.reading("claim:" + claim)
	}
	return s.Store.Claimants(ctx, claims)
}

// Claiming streams rows, and breaks off in the middle when the database goes.
func (s *tappedStore) Claiming(ctx context.Context) iter.Seq2[sessiondb.Row, error] {
	return func(yield func(sessiondb.Row, error) bool) {
		for row, err := range s.Store.Claiming(ctx) {
			if err == nil {
				err = s.faults(ctx, "stream sessions")
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := s.faults(ctx, "stream sessions"); err != nil {
			yield(sessiondb.Row{}, err)
		}
	}
}

// HasRows asks whether there is any row.
func (s *tappedStore) HasRows(ctx context.Context) (bool, error) {
	if err := s.faults(ctx, "look for rows"); err != nil {
		return false, err
	}
	asked := s.process.w.mark()
	has, err := s.Store.HasRows(ctx)
	s.process.mu.Lock()
	seen := s.process.seen
	if err == nil && has {
		s.process.hadRows = asked
	}
	s.process.mu.Unlock()
	if s.process.w.meddles("look for rows", seen) { //nolint:contextcheck // the server has a context of its own
		s.process.w.pass(2 * prompt) // the database is slow for once: what was read before is old
	}
	return has, err
}

// Fail marks a row as failed.
func (s *tappedStore) Fail(ctx context.Context, row sessiondb.Row, f sessiondb.Failure) (sessiondb.Row, error) {
	return s.write(ctx, "fail", row, func() (sessiondb.Row, error) { return s.Store.Fail(ctx, row, f) })
}

// SetClaim points a claim somewhere else.
func (s *tappedStore) SetClaim(ctx context.Context, row sessiondb.Row, claim string) (sessiondb.Row, error) {
	return s.write(ctx, "claim", row, func() (sessiondb.Row, error) { return s.Store.SetClaim(ctx, row, claim) })
}

// Release clears a claim.
func (s *tappedStore) Release(ctx context.Context, row sessiondb.Row) (sessiondb.Row, error) {
	return s.write(ctx, "release", row, func() (sessiondb.Row, error) { return s.Store.Release(ctx, row) })
}

func (s *tappedStore) write(
	ctx context.Context, what string, row sessiondb.Row, do func() (sessiondb.Row, error),
) (now sessiondb.Row, err error) {
	err = s.process.effect(what+" of session "+row.ID, func() error {
		s.process.judgePaused(what + " of session " + row.ID)
		if err := s.faults(ctx, what); err != nil {
			return err
		}
		s.process.w.meddles("write", row.ID)         //nolint:contextcheck // the server has a context of its own
		now, err = s.process.observed(what, row, do) //nolint:contextcheck // the observer has no deadline
		if err == nil && s.process.w.faults.loses() {
			return fmt.Errorf("%s: the answer was lost: %w", what, sessiondb.ErrUnreachable)
		}
		return err
	})
	return now, err
}

// tappedLedger is a ledger behind the same database.
type tappedLedger struct {
	*sessiondb.Ledger

	process *process
}

// RememberedEngine reads the identity.
func (l *tappedLedger) RememberedEngine(ctx context.Context) (string, error) {
	if err := l.process.w.faults.call(ctx, "read the engine"); err != nil {
		return "", err
	}
	return l.Ledger.RememberedEngine(ctx)
}

// RememberEngine writes it.
func (l *tappedLedger) RememberEngine(ctx context.Context, identity, previous string) error {
	return l.process.effect("remembering its engine", func() error {
		if err := l.process.w.faults.call(ctx, "remember the engine"); err != nil {
			return err
		}
		return l.Ledger.RememberEngine(ctx, identity, previous)
	})
}

// tappedLease is a lease behind the same database. A process that is dead renews and releases nothing.
type tappedLease struct {
	resourcelock.Interface

	process *process
}

func (l *tappedLease) faults(ctx context.Context, operation string) error {
	if l.process.isDead() {
		return errDead
	}
	return l.process.w.faults.call(ctx, operation)
}

// Get reads the lease.
func (l *tappedLease) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	if err := l.faults(ctx, "read the lease"); err != nil {
		return nil, nil, err
	}
	return l.Interface.Get(ctx)
}

// Create takes one that nobody has.
func (l *tappedLease) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	if err := l.faults(ctx, "take the lease"); err != nil {
		return err
	}
	return l.Interface.Create(ctx, r)
}

// Update renews, takes over or releases one.
func (l *tappedLease) Update(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	if err := l.faults(ctx, "renew the lease"); err != nil {
		return err
	}
	return l.Interface.Update(ctx, r)
}

// tappedEngine is the engine of one process.
type tappedEngine struct {
	*dockerwatch.Engine

	process *process
}

// Observe inspects a container.
func (e *tappedEngine) Observe(ctx context.Context, claim string) (dockerwatch.Observation, error) {
	begun := time.Now()
	seen, err := e.Engine.Observe(ctx, claim)
	e.process.mu.Lock()
	defer e.process.mu.Unlock()
	e.process.looks[claim] = begun
	if err == nil && seen.ID != "" {
		e.process.looks[seen.ID] = begun
		e.process.seen = seen.Labels[label]
	}
	return seen, err
}

// ListRunning lists the containers that run, of one session or of all.
func (e *tappedEngine) ListRunning(
	ctx context.Context, o dockerwatch.Ownership, session string,
) (dockerwatch.Listing, error) {
	if e.process.node.listsFail.Load() {
		return dockerwatch.Listing{}, fmt.Errorf("list the containers of %s: %w", session, dockerwatch.ErrRefused)
	}
	return e.Engine.ListRunning(ctx, o, session)
}

// Stop ends a container.
func (e *tappedEngine) Stop(ctx context.Context, id string, grace time.Duration) error {
	return e.act("stop of "+id, id, func() error { return e.Engine.Stop(ctx, id, grace) })
}

// Remove removes one.
func (e *tappedEngine) Remove(ctx context.Context, id string, o dockerwatch.RemoveOptions) error {
	return e.act("removal of "+id, id, func() error { return e.Engine.Remove(ctx, id, o) })
}

// RemoveDead removes one that is dead.
func (e *tappedEngine) RemoveDead(ctx context.Context, id string, o dockerwatch.RemoveOptions) error {
	return e.act("removal of "+id, id, func() error { return e.Engine.RemoveDead(ctx, id, o) })
}

func (e *tappedEngine) act(what, id string, do func() error) error {
	return e.process.effect(what, func() error {
		p := e.process
		p.judgePaused(what)
		p.mu.Lock()
		p.calls[id] = effectCall{at: time.Now(), reads: maps.Clone(p.reads)}
		p.mu.Unlock()
		p.w.acting(p, id)
		err := do()
		p.w.sayf("controller %s: %s: %v", p.name, what, err)
		return err
	})
}

// reading notes that rows are about to be read.
func (p *process) reading(what string) {
	p.w.mu.Lock()
	p.w.sequence++
	m := mark{at: time.Now(), sequence: p.w.sequence}
	p.w.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads[what] = m
}
