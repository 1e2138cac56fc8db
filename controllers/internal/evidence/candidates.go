package evidence

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/internal/batch"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

const (
	// runningEach is how many running containers an engine lists in the time of one more call (0.07 ms each). Sessions
	// that ask at the same time share a list while that is the cheaper way: on a host that has lost its containers ten
	// thousand ask for one.
	runningEach = 16
	// sharedLists is how many lists are under way at most, another one only when one has not come for listPatience.
	sharedLists  = 4
	listPatience = 100 * time.Millisecond
)

// candidates finds the containers that a live session without one could be given: those that are labelled with it.
type candidates struct {
	engine    identity.Looks
	store     Store
	ownership dockerwatch.Ownership
	policy    verdict.Policy
	// population is how many containers ran when all were listed last.
	population atomic.Int64
	lists      *batch.Batcher[string, dockerwatch.Listing]
}

func newCandidates(o Options) *candidates {
	c := &candidates{engine: o.Engine, store: o.Store, ownership: o.Ownership, policy: o.Policy}
	c.lists = batch.New(sharedLists, listPatience, c.listTogether)
	return c
}

// possible reports whether there can be any: without an installation no container is beyond doubt this one's.
func (c *candidates) possible() bool {
	return c.ownership.Installation != "" || c.policy.RemoveLeaked == verdict.RemoveAll
}

// running returns the running containers of a session but for one of them, as a list shows them.
func (c *candidates) running(ctx context.Context, session, except string) ([]dockerwatch.Container, error) {
	list, err := c.list(ctx, session)
	if err != nil {
		return nil, err
	}
	var found []dockerwatch.Container
	for _, listed := range list.Containers {
		owner := c.ownership.Judge(listed.Name(), listed.Labels)
		if listed.ID != except && listed.Phase == dockerwatch.Running &&
			dockerwatch.SameSession(owner.Session, session) && c.policy.Labelled(owner) {
			found = append(found, listed)
		}
	}
	return found, nil
}

// list asks the engine for the session's running containers; there can be others among them. It can only filter by
// label: where names count, all are listed.
func (c *candidates) list(ctx context.Context, session string) (dockerwatch.Listing, error) {
	if c.policy.RemoveLeaked == verdict.RemoveAll && len(c.ownership.NamePrefixes) > 0 {
		return c.engine.List(ctx)
	}
	return c.lists.Do(ctx, session)
}

// listTogether answers several sessions by one list, or each by its own.
func (c *candidates) listTogether(ctx context.Context, sessions []string) []batch.Answer[dockerwatch.Listing] {
	answers := make([]batch.Answer[dockerwatch.Listing], len(sessions))
	if len(sessions) > 1 && c.population.Load() <= int64(runningEach*len(sessions)) {
		var all batch.Answer[dockerwatch.Listing]
		all.Value, all.Err = c.engine.ListRunning(ctx, c.ownership, "")
		if all.Err == nil {
			c.population.Store(int64(len(all.Value.Containers)))
		}
		for i := range answers {
			answers[i] = all
		}
		return answers
	}
	var each sync.WaitGroup
	for i, session := range sessions {
		each.Go(func() {
			answers[i].Value, answers[i].Err = c.engine.ListRunning(ctx, c.ownership, session)
		})
	}
	each.Wait()
	return answers
}

// replacement returns the one running container of a live session whose claim is dead, as a fresh inspect shows it;
// zero where there is none, or where it cannot be told which.
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
	if seen.Phase != dockerwatch.Running || !dockerwatch.SameSession(owner.Session, row.ID) || !c.policy.Labelled(owner) ||
		c.mayPredate(row, seen) {
		return none, nil
	}
	return seen, nil
}

// mayPredate reports whether a container may be of an earlier session that had the row's id: it was created before the
// row was, or ids can be used again and it is not known when the row was created.
func (c *candidates) mayPredate(row sessiondb.Row, container dockerwatch.Observation) bool {
	if row.CreatedAt.IsZero() {
		return c.store.ReusableIDs()
	}
	return !row.CreatedAt.Before(container.Created)
}
