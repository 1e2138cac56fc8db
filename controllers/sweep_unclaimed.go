package controllers

import (
	"context"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// meetUnclaimed counts the owned containers, and passes those on that no row claims.
func (s *sweeper) meetUnclaimed(
	ctx context.Context, list []dockerwatch.Container, claimed map[string]bool, result *Sweep, visit visitor,
) error {
	var unclaimed []dockerwatch.Owner
	for i := range list {
		c := &list[i]
		owner := s.ownership.Judge(firstName(c), c.Labels)
		if s.policy.labelled(owner) {
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
		if s.policy.labelled(owner) {
			unclaimed = append(unclaimed, owner)
		}
		if visit.container != nil {
			if err := visit.container(c); err != nil {
				return err
			}
		}
	}
	var err error
	result.tally.Rowless, err = s.rowless(ctx, unclaimed, result.tally)
	return err
}

// rowless counts the owners without a row. They are only read where there are enough of them to mean something.
func (s *sweeper) rowless(ctx context.Context, owners []dockerwatch.Owner, t tally) (int, error) {
	t.Rowless = len(owners)
	if !s.policy.Breaker.tooManyRowless(t) {
		return 0, nil
	}
	rowless := 0
	for _, owner := range owners {
		_, err := s.store.Get(ctx, owner.Session)
		switch {
		case isNotFound(err):
			rowless++
		case err != nil:
			return 0, err
		}
	}
	return rowless, nil
}
