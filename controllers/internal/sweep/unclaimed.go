package sweep

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// rowlessReads is how many rows are read at a time where a wrong database is suspected, which has none of thousands: a
// database far away must not make a sweep of them take minutes.
const rowlessReads = 64

// meetUnclaimed counts the owned containers, and passes those on that no row claims.
func (s *Sweeper) meetUnclaimed(
	ctx context.Context, list []dockerwatch.Container, claimed map[string]bool, result *Result, on Callbacks,
) error {
	var unclaimed []dockerwatch.Owner
	for i := range list {
		c := &list[i]
		owner := s.Ownership.Judge(c.Name(), c.Labels)
		if s.Policy.Labelled(owner) {
			result.counts.Owned++
		}
		switch {
		case owner.Owned:
			result.Owned++
		case claimed[c.ID] && !s.Ownership.Claimed:
			result.ForeignClaimed++
		}
		if !owner.Owned || claimed[c.ID] {
			continue
		}
		result.Unclaimed++
		if s.Policy.Labelled(owner) {
			unclaimed = append(unclaimed, owner)
		}
		on.Container(c)
	}
	var err error
	result.counts.Rowless, err = s.rowless(ctx, unclaimed, result.counts)
	return err
}

// rowless counts the owners without a row. They are only read where there are enough of them to mean something.
func (s *Sweeper) rowless(ctx context.Context, owners []dockerwatch.Owner, t verdict.Counts) (int, error) {
	t.Rowless = len(owners)
	if !s.Policy.Breaker.TooManyRowless(t) {
		return 0, nil
	}
	var rowless atomic.Int64
	reads, reading := errgroup.WithContext(ctx)
	reads.SetLimit(rowlessReads)
	for _, owner := range owners {
		reads.Go(func() error {
			_, err := s.Store.Get(reading, owner.Session)
			if errors.Is(err, sessiondb.ErrNotFound) {
				rowless.Add(1)
				return nil
			}
			return err
		})
	}
	err := reads.Wait()
	return int(rowless.Load()), err
}
