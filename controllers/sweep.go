package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

// Sweep is what one sweep counted.
type Sweep struct {
	// Rows claim something; Containers are on the engine, ours or not.
	Rows, Containers int
	// Healthy, Held, Invalid and Foreign rows were left alone; Adrift ones were nominated for a look.
	Healthy, Held, Invalid, Taken, Foreign, Adrift int
	// Unclaimed containers are owned and no row that was met claims them. Owned are all that are owned, ForeignClaimed
	// those that are not and that a row claims.
	Unclaimed, Owned, ForeignClaimed int
	// Statuses counts the rows by status, those aside that the configuration does not know.
	Statuses map[string]int
	// Unsure rows are live and claim a listed container by its name for the first time: whether they mean that one, or one
	// that is about to get the name, the next sweep knows.
	Unsure int
	// Took is how long it took.
	Took time.Duration

	tally verdict.Counts
}

// leftAlone are the counts that should be zero and do not change by themselves: people have to look into them.
func (s Sweep) leftAlone() [4]int { return [...]int{s.Held, s.Invalid, s.Taken, s.Foreign} }

// shown is what the gauges show of it.
func (s Sweep) shown() metrics.Sweep {
	return metrics.Sweep{
		Took: s.Took, Statuses: s.Statuses, Live: s.tally.Live, UnknownStatus: s.Held, Invalid: s.Invalid, Taken: s.Taken,
		Foreign: s.Foreign, Containers: s.Containers, Owned: s.Owned, Unclaimed: s.Unclaimed,
		ForeignClaimed: s.ForeignClaimed,
	}
}

// sweeper is the level: one list, one streamed query, joined in memory that grows with the containers of the engine and
// never with the rows. It decides nothing: each key that it finds is decided on looks of its own. It is not safe for
// concurrent use.
type sweeper struct {
	store      SessionStore
	engine     Engine
	guard      *identity.Guard
	history    History
	ownership  dockerwatch.Ownership
	policy     verdict.Policy
	tracker    *evidence.SessionTracker
	containers *evidence.ContainerTracker
	breaker    *breaker.Breaker
	metrics    *metrics.Metrics
	// looks are told how many containers run.
	looks *evidence.Sessions
	// hung says that the engine did not answer the last sweep in time, and recovered is called when it does again.
	hung      bool
	recovered func()
}

// visitor is told what a sweep meets.
type visitor struct {
	// row is told of every row that claims something, with the container that the list shows for it (nil for none).
	row func(row sessiondb.Row, c *dockerwatch.Container, s standing)
	// container is told of every owned container that no row which was met claims.
	container func(c *dockerwatch.Container)
}

// sweep lists, streams and tells visit. The containers are listed before the rows are read: a container that was made
// in between is looked at for nothing, which costs a call; the other way round its row would be taken for the odd one.
func (s *sweeper) sweep(ctx context.Context, visit visitor) (Sweep, error) {
	began := time.Now()
	result, err := s.run(ctx, began, visit)
	result.Took = time.Since(began)
	if err != nil {
		s.metrics.SweepFailed()
		return result, err
	}
	s.metrics.Swept(result.shown())
	s.breaker.Counted(began, result.tally)
	return result, nil
}

func (s *sweeper) run(ctx context.Context, listed time.Time, visit visitor) (Sweep, error) {
	var listing dockerwatch.Listing
	var who identity.Introduction
	group, callCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		listing, err = s.engine.List(callCtx)
		return err
	})
	group.Go(func() (err error) {
		who, err = identity.Introduce(callCtx, s.engine)
		return err
	})
	if err := group.Wait(); err != nil {
		s.hung = errors.Is(err, dockerwatch.ErrTimeout)
		return Sweep{}, fmt.Errorf("look at the engine: %w", err)
	}
	if listing.Engine != "" && listing.Engine != who.Identity() {
		s.guard.Saw(listing.Engine, false)
		return Sweep{}, fmt.Errorf("look at the engine: %w: two engines answer at %s, %s and %s; nothing is done until it "+
			"is one", identity.ErrNotTrusted, s.engine.Host(), listing.Engine, who.Identity())
	}
	list := listing.Containers
	s.looks.Listed(running(list))
	containers := dockerwatch.NewIndex(list)
	s.history.Prune(containers.Has) // also while nothing can be decided: what has not been heard of for long is no loss
	err := s.guard.Admit(ctx, who, func() (identity.Census, error) { return takeCensus(ctx, s.store, containers) })
	if err != nil {
		return Sweep{}, err
	}
	if s.hung {
		s.hung = false
		s.recovered()
	}
	s.containers.Prune(containers.Has)
	result := Sweep{Containers: len(list), Statuses: map[string]int{}}
	s.tracker.BeginSweep()
	claimed := make(map[string]bool, len(list))
	confirmed := sync.OnceValue(func() bool { return s.guard.Confirm(ctx, listing.Engine) == nil })
	for row, err := range s.store.Claiming(ctx) {
		if err != nil {
			return result, err
		}
		c := s.met(row, containers, &result, visit)
		if c != nil {
			claimed[c.ID] = true
			s.containers.Forget(ContainerKey(c.ID))
		}
		if !s.remember(row, c, listed, confirmed) {
			result.Unsure++
		}
	}
	s.tracker.EndSweep()
	return result, s.meetUnclaimed(ctx, list, claimed, &result, visit)
}

// remember notes what the snapshot says for certain: that a live row's container ran, and which one it is. The rows are
// read after the list: a row that was saved in between may claim by name a container that is still to come, while the
// list shows the one that had the name before. So a name is believed only when it was claimed before the list began; it
// returns false when that is not known yet. What a name means is new only once for most: then confirmed says whether
// the engine that listed it was the one that is served.
func (s *sweeper) remember(
	row sessiondb.Row, c *dockerwatch.Container, listed time.Time, confirmed func() bool,
) bool {
	key := SessionKey(row.ID)
	s.tracker.Keep(key)
	if row.Kind == sessiondb.StatusEnded {
		s.tracker.Ended(key, row.Claim)
	}
	runs := c != nil && (c.Phase == dockerwatch.Running || c.Phase == dockerwatch.Paused)
	if row.Kind != sessiondb.StatusLive || !runs || s.history.Evidence(c.ID, time.Time{}).Ended() {
		return true // there is nothing to remember, or a look is due that remembers more
	}
	s.tracker.MetHealthy(key, row.Claim)
	switch {
	case dockerwatch.ClaimsID(row.Claim, c.ID), s.tracker.Resolved(key, row.Claim) == c.ID:
	case !s.tracker.ClaimedBefore(key, row.Claim, listed):
		return false
	case !confirmed(): // a name means something only on the engine that is served
		return true
	}
	s.tracker.Resolve(key, row.Claim, c.ID, listed)
	return true
}

// met counts one row and passes it on.
func (s *sweeper) met(
	row sessiondb.Row, containers *dockerwatch.Index, result *Sweep, visit visitor,
) *dockerwatch.Container {
	result.Rows++
	if row.Kind != sessiondb.StatusUnknown {
		result.Statuses[row.Status]++
	}
	standing, c := join(row, containers, s.ownership)
	switch standing {
	case standsHealthy:
		result.Healthy++
	case standsHeld:
		result.Held++
	case standsInvalid:
		result.Invalid++
	case standsTaken:
		result.Taken++
	case standsForeign:
		result.Foreign++
	case standsAdrift:
		result.Adrift++
	}
	if row.Kind == sessiondb.StatusLive && standing != standsInvalid {
		result.tally.Live++
		if c == nil {
			result.tally.Gone++
		}
	}
	visit.row(row, c, standing)
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
