package controllers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Sweep is what one sweep counted.
type Sweep struct {
	// Rows claim something; Containers are on the engine, ours or not.
	Rows, Containers int
	// Healthy, Held, Invalid and Foreign rows were left alone; Adrift ones were nominated for a look.
	Healthy, Held, Invalid, Taken, Foreign, Adrift int
	// Unsure rows are live and claim a listed container by its name for the first time: whether they mean that one, or one
	// that is about to get the name, the next sweep knows.
	Unsure int
	// Took is how long it took.
	Took time.Duration
}

// leftAlone are the counts that should be zero and do not change by themselves: people have to look into them.
func (s Sweep) leftAlone() [4]int { return [...]int{s.Held, s.Invalid, s.Taken, s.Foreign} }

// sweeper is the level: one list, one streamed query, joined in memory that grows with the containers of the engine and
// never with the rows. It only nominates keys; each is decided on looks of its own.
type sweeper struct {
	store     SessionStore
	engine    Engine
	history   History
	ownership dockerwatch.Ownership
	clock     *engineClock
	memory    *memory
	metrics   *Metrics
}

// visit is told of every row that claims something, with the container that the list shows for it (nil for none).
type visit func(row sessiondb.Row, c *dockerwatch.Container, s standing) error

// sweep lists, streams and tells visit. The containers are listed before the rows are read: a container that was made
// in between is looked at for nothing, which costs a call; the other way round its row would be taken for the odd one.
func (s *sweeper) sweep(ctx context.Context, visit visit) (Sweep, error) {
	began := time.Now()
	result, err := s.run(ctx, visit)
	result.Took = time.Since(began)
	s.metrics.sweep(result.Took, err)
	return result, err
}

func (s *sweeper) run(ctx context.Context, visit visit) (Sweep, error) {
	listed := time.Now()
	var list []dockerwatch.Container
	group, callCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		list, err = s.engine.List(callCtx)
		return err
	})
	group.Go(func() error { return s.clock.renew(callCtx) })
	if err := group.Wait(); err != nil {
		return Sweep{}, fmt.Errorf("look at the engine: %w", err)
	}
	containers := newIndex(list)
	s.history.Prune(func(id string) bool { return containers.byID[id] != nil })
	result := Sweep{Containers: len(list)}
	s.memory.nextRound()
	for row, err := range s.store.Claiming(ctx) {
		if err != nil {
			return result, err
		}
		c, err := s.met(row, containers, &result, visit)
		if err != nil {
			return result, err
		}
		if !s.remember(row, c, listed) {
			result.Unsure++
		}
	}
	s.memory.prune()
	return result, nil
}

// remember notes what the snapshot says for certain: that a live row's container ran, and which one it is. The rows are
// read after the list: a row that was saved in between may claim by name a container that is still to come, while the
// list shows the one that had the name before. So a name is believed only when it was claimed before the list began; it
// returns false when that is not known yet.
func (s *sweeper) remember(row sessiondb.Row, c *dockerwatch.Container, listed time.Time) bool {
	key := SessionKey(row.ID)
	s.memory.keep(key)
	if row.Kind == sessiondb.StatusEnded {
		s.memory.ended(key, row.Claim)
	}
	runs := c != nil && (c.Phase == dockerwatch.Running || c.Phase == dockerwatch.Paused)
	if row.Kind != sessiondb.StatusLive || !runs || s.history.Evidence(c.ID, time.Time{}).Ended() {
		return true // there is nothing to remember, or a look is due that remembers more
	}
	s.memory.metHealthy(key, row.Claim)
	ref := strings.TrimPrefix(row.Claim, "/")
	byID := len(ref) >= shortID && strings.HasPrefix(c.ID, ref)
	if !byID && !s.memory.claimedBefore(key, row.Claim, listed) {
		return false
	}
	s.memory.bind(key, row.Claim, c.ID)
	return true
}

// met counts one row and passes it on.
func (s *sweeper) met(
	row sessiondb.Row, containers *index, result *Sweep, visit visit,
) (*dockerwatch.Container, error) {
	result.Rows++
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
	return c, visit(row, c, standing)
}

// reportedRows bounds the rows of unknown status and the impossible claims that are reported one by one; all are
// counted. One status that nobody configured can be that of most rows of a table, and each report is remembered.
const reportedRows = 100

// nominates returns a visit of one sweep that hands on the keys that are worth a look: what is adrift, and what must be
// reported and was not yet.
func nominates(m *memory, nominate func(SessionKey) error) visit {
	reported := 0
	return func(row sessiondb.Row, _ *dockerwatch.Container, s standing) error {
		key := SessionKey(row.ID)
		var reason Reason
		switch s {
		case standsHealthy:
			return nil
		case standsAdrift:
			return nominate(key)
		case standsHeld, standsInvalid:
			if reported++; reported > reportedRows {
				return nil
			}
			reason = StatusUnknown
			if s == standsInvalid {
				reason = ClaimInvalid
			}
		case standsTaken:
			reason = ContainerTaken
		case standsForeign:
			reason = ContainerForeign
		}
		if m.hasSaid(key, row.Claim, said(reason)) {
			return nil
		}
		return nominate(key)
	}
}
