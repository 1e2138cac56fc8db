// Package sweep compares all containers of the engine with all rows that claim something, and finds what is worth a
// look: whatever every other trigger has missed.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/session-controller/session-controller/controllers/internal/breaker"
	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Engine is what a sweep needs of the Docker Engine. [dockerwatch.Engine] is one.
type Engine interface {
	// Host names the engine in errors.
	Host() string
	Info(ctx context.Context) (dockerwatch.Info, error)
	List(ctx context.Context) (dockerwatch.Listing, error)
}

// Store is what a sweep needs of the sessions table. [sessiondb.Store] is one.
type Store interface {
	// Get returns the row, of whatever node, or [sessiondb.ErrNotFound].
	Get(ctx context.Context, id string) (sessiondb.Row, error)
	// Claiming streams the rows that claim something, in one query.
	Claiming(ctx context.Context) iter.Seq2[sessiondb.Row, error]
}

// History is what the event stream has told. [dockerwatch.History] is one.
type History interface {
	Evidence(id string, startedAt time.Time) dockerwatch.Evidence
	Prune(listed func(id string) bool)
}

// Options are what a sweeper is built from.
type Options struct {
	Store     Store
	Engine    Engine
	Guard     *identity.Guard
	Breaker   *breaker.Breaker
	History   History
	Ownership dockerwatch.Ownership
	Policy    verdict.Policy
	// Sessions and Containers are told what was met.
	Sessions   *evidence.SessionTracker
	Containers *evidence.ContainerTracker
	// Looks are told how many containers run.
	Looks *evidence.Sessions
	// Recovered is called when the engine answers a sweep after it has not answered one in time.
	Recovered func()
	// Metrics may be nil.
	Metrics *metrics.Metrics
}

// Sweeper is the level: one list, one streamed query, joined in memory that grows with the containers of the engine and
// never with the rows. It decides nothing: each key that it finds is decided on looks of its own. It is not safe for
// concurrent use.
type Sweeper struct {
	Options

	// hung says that the engine did not answer the last sweep in time.
	hung bool
}

// New returns a sweeper.
func New(o Options) *Sweeper { return &Sweeper{Options: o} }

// Callbacks are called with what a sweep meets.
type Callbacks struct {
	// Row is called for every row that claims something, with the container that the list shows for it (nil for none).
	Row func(row sessiondb.Row, c *dockerwatch.Container, s RowState)
	// Container is called for every owned container that no row which was met claims.
	Container func(c *dockerwatch.Container)
}

// Sweep lists, streams and calls on. The containers are listed before the rows are read: a container that was made
// in between is looked at for nothing, which costs a call; the other way round its row would be taken for the odd one.
func (s *Sweeper) Sweep(ctx context.Context, on Callbacks) (Result, error) {
	began := time.Now()
	result, err := s.run(ctx, began, on)
	result.Took = time.Since(began)
	if err != nil {
		s.Metrics.SweepFailed()
		return result, err
	}
	s.Metrics.Swept(result.shown())
	s.Breaker.Counted(began, result.counts)
	return result, nil
}

func (s *Sweeper) run(ctx context.Context, listed time.Time, on Callbacks) (Result, error) {
	var listing dockerwatch.Listing
	var who identity.Introduction
	group, callCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		listing, err = s.Engine.List(callCtx)
		return err
	})
	group.Go(func() (err error) {
		who, err = identity.Introduce(callCtx, s.Engine)
		return err
	})
	if err := group.Wait(); err != nil {
		s.hung = errors.Is(err, dockerwatch.ErrTimeout)
		return Result{}, fmt.Errorf("look at the engine: %w", err)
	}
	if listing.Engine != who.Identity() {
		s.Guard.Saw(listing.Engine, false)
		s.Guard.Saw(who.Identity(), false)
		return Result{}, fmt.Errorf("look at the engine: %w: two engines answer at %s, %s and %s; nothing is done until it "+
			"is one", identity.ErrNotTrusted, s.Engine.Host(), listing.Engine, who.Identity())
	}
	list := listing.Containers
	s.Looks.Listed(running(list))
	containers := dockerwatch.NewIndex(list)
	s.History.Prune(containers.Has) // also while nothing can be decided: what has not been heard of for long is no loss
	err := s.Guard.Admit(ctx, who, func() (identity.ClaimSurvey, error) { return surveyClaims(ctx, s.Store, containers) })
	if err != nil {
		return Result{}, err
	}
	if s.hung {
		s.hung = false
		s.Recovered()
	}
	s.Containers.Prune(containers.Has)
	result := Result{Containers: len(list), Statuses: map[string]int{}}
	s.Sessions.BeginSweep()
	claimed := make(map[string]bool, len(list))
	for row, err := range s.Store.Claiming(ctx) {
		if err != nil {
			return result, err
		}
		c := s.count(row, containers, &result, on)
		if c != nil {
			claimed[c.ID] = true
			s.Containers.Forget(verdict.ContainerKey(c.ID))
		}
		if !s.remember(row, c, listed) {
			result.Unconfirmed++
		}
	}
	s.Sessions.EndSweep()
	return result, s.meetUnclaimed(ctx, list, claimed, &result, on)
}

// remember notes what the snapshot says for certain: that a live row's container ran, and which one it is. The rows are
// read after the list: a row that was saved in between may claim by name a container that is still to come, while the
// list shows the one that had the name before. So a name is believed only when it was claimed before the list began; it
// returns false when that is not known yet.
func (s *Sweeper) remember(row sessiondb.Row, c *dockerwatch.Container, listed time.Time) bool {
	key := verdict.SessionKey(row.ID)
	s.Sessions.Keep(key)
	if row.Kind == sessiondb.StatusEnded {
		s.Sessions.Ended(key, row.Claim)
	}
	runs := c != nil && (c.Phase == dockerwatch.Running || c.Phase == dockerwatch.Paused)
	if row.Kind != sessiondb.StatusLive || !runs || s.History.Evidence(c.ID, time.Time{}).Ended() {
		return true // there is nothing to remember, or a look is due that remembers more
	}
	s.Sessions.MetHealthy(key, row.Claim)
	switch {
	case dockerwatch.ClaimsID(row.Claim, c.ID), s.Sessions.Resolved(key, row.Claim) == c.ID:
	case !s.Sessions.ClaimedBefore(key, row.Claim, listed):
		return false
	}
	s.Sessions.Resolve(key, row.Claim, c.ID, listed)
	return true
}

// count counts one row and passes it on.
func (s *Sweeper) count(
	row sessiondb.Row, containers *dockerwatch.Index, result *Result, on Callbacks,
) *dockerwatch.Container {
	result.Rows++
	if row.Kind != sessiondb.StatusUnknown {
		result.Statuses[row.Status]++
	}
	state, c := join(row, containers, s.Ownership)
	switch state {
	case Healthy:
		result.Healthy++
	case Held:
		result.Held++
	case Invalid:
		result.Invalid++
	case Taken:
		result.Taken++
	case Foreign:
		result.Foreign++
	case Adrift:
		result.Adrift++
	}
	if row.Kind == sessiondb.StatusLive && state != Invalid {
		result.counts.Live++
		if c == nil {
			result.counts.Gone++
		}
	}
	on.Row(row, c, state)
	return c
}

// running counts the containers of a list that run.
func running(list []dockerwatch.Container) (n int) {
	for i := range list {
		if list[i].Phase == dockerwatch.Running {
			n++
		}
	}
	return n
}
