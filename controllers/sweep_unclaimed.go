package controllers

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
func (s *sweeper) meetUnclaimed(
	ctx context.Context, list []dockerwatch.Container, claimed map[string]bool, result *Sweep, visit visitor,
) error {
	var unclaimed []dockerwatch.Owner
	for i := range list {
		c := &list[i]
		owner := s.ownership.Judge(c.Name(), c.Labels)
		if s.policy.Labelled(owner) {
			result.tally.Owned++
		}
		switch {
		case owner.Owned:
			result.Owned++
		case claimed[c.ID] && !s.ownership.Claimed:
			result.ForeignClaimed++
		}
		if !owner.Owned || claimed[c.ID] {
			continue
		}
		result.Unclaimed++
		if s.policy.Labelled(owner) {
			unclaimed = append(unclaimed, owner)
		}
		visit.container(c)
	}
	var err error
	result.tally.Rowless, err = s.rowless(ctx, unclaimed, result.tally)
	return err
}

// rowless counts the owners without a row. They are only read where there are enough of them to mean something.
func (s *sweeper) rowless(ctx context.Context, owners []dockerwatch.Owner, t verdict.Counts) (int, error) {
	t.Rowless = len(owners)
	if !s.policy.Breaker.TooManyRowless(t) {
		return 0, nil
	}
	var rowless atomic.Int64
	reads, reading := errgroup.WithContext(ctx)
	reads.SetLimit(rowlessReads)
	for _, owner := range owners {
		reads.Go(func() error {
			_, err := s.store.Get(reading, owner.Session)
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
