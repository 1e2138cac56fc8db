package controllers

import (
	"context"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// candidates finds the containers that a live session without one could be given: those that are labelled with it.
type candidates struct {
	engine    Engine
	store     SessionStore
	ownership dockerwatch.Ownership
	policy    Policy
}

// possible reports whether there can be any: without an installation no container is beyond doubt this one's.
func (c *candidates) possible() bool {
	return c.ownership.Installation != "" || c.policy.RemoveLeaked == RemoveAll
}

// running returns the running containers of a session but for one of them, as a list shows them.
func (c *candidates) running(ctx context.Context, session, except string) ([]dockerwatch.Container, error) {
	list, err := c.list(ctx, session)
	if err != nil {
		return nil, err
	}
	var found []dockerwatch.Container
	for _, listed := range list.Containers {
		owner := c.ownership.Judge(firstName(&listed), listed.Labels)
		if listed.ID != except && listed.Phase == dockerwatch.Running &&
			dockerwatch.SameSession(owner.Session, session) && c.policy.labelled(owner) {
			found = append(found, listed)
		}
	}
	return found, nil
}

// list asks the engine for the session's containers. It can only filter by label: where names count, all are listed.
func (c *candidates) list(ctx context.Context, session string) (dockerwatch.Listing, error) {
	if c.policy.RemoveLeaked == RemoveAll && len(c.ownership.NamePrefixes) > 0 {
		return c.engine.List(ctx)
	}
	return c.engine.ListSession(ctx, c.ownership, session)
}

// replacement returns the one running container of a live session whose claim is dead, as a fresh inspect shows it;
// zero where there is none, or where nobody can tell which.
func (c *candidates) replacement(
	ctx context.Context, row sessiondb.Row, claimed dockerwatch.Observation,
) (dockerwatch.Observation, error) {
	var none dockerwatch.Observation
	if !c.possible() {
		return none, nil
	}
	found, err := c.running(ctx, row.ID, claimed.ID)
	if err != nil || len(found) != 1 {
		return none, err
	}
	seen, err := c.engine.Observe(ctx, found[0].ID)
	if err != nil {
		return none, err
	}
	owner := c.ownership.Judge(seen.Name, seen.Labels)
	if seen.Phase != dockerwatch.Running || !dockerwatch.SameSession(owner.Session, row.ID) || !c.policy.labelled(owner) ||
		c.mayPredate(row, seen) {
		return none, nil
	}
	return seen, nil
}

// mayPredate reports whether a container may be of an earlier session that had the row's id: it was created before the
// row was, or ids can be used again and nobody knows when the row was created.
func (c *candidates) mayPredate(row sessiondb.Row, container dockerwatch.Observation) bool {
	if row.CreatedAt.IsZero() {
		return c.store.ReusableIDs()
	}
	return !row.CreatedAt.Before(container.Created)
}
