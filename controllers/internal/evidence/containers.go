package evidence

import (
	"context"
	"errors"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/breaker"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Containers takes the fresh looks at one container that no row seems to claim: the container first, then the
// rows. Whatever is saved in between exonerates it, the other way round it would be condemned on rows of the past.
type Containers struct {
	store     Store
	engine    identity.Looks
	guard     *identity.Guard
	breaker   *breaker.Breaker
	ownership dockerwatch.Ownership
	policy    verdict.Policy
	tracker   *ContainerTracker
	// candidates finds the containers of a session that could be its own.
	candidates *candidates
}

// Look returns the facts about one container, and changes nothing. An error is a fact (LookFailed) as well as the
// returned error.
func (l *Containers) Look(ctx context.Context, key verdict.ContainerKey) (verdict.ContainerFacts, error) {
	f := verdict.ContainerFacts{Container: dockerwatch.Observation{ID: string(key)}}
	err := l.lookAt(ctx, key, &f)
	f.LookFailed = err != nil
	return f, err
}

func (l *Containers) lookAt(ctx context.Context, key verdict.ContainerKey, f *verdict.ContainerFacts) error {
	if err := l.lookAtContainer(ctx, key, f); err != nil {
		return err
	}
	if f.Container.Phase == dockerwatch.Gone || !f.Owner.Owned || len(f.Claimants) > 0 {
		return nil
	}
	if err := l.lookAtSession(ctx, f); err != nil {
		return err
	}
	f.CauseFor, f.WatchedFor = l.tracker.past(key, f.Cause())
	if !f.LeakClosing(l.policy) {
		return nil
	}
	return l.lookAtGuards(ctx, f)
}

// lookAtContainer inspects it and reads who claims it.
func (l *Containers) lookAtContainer(
	ctx context.Context, key verdict.ContainerKey, f *verdict.ContainerFacts,
) error {
	if err := l.guard.Trusted(); err != nil {
		return err
	}
	now, err := l.guard.Now()
	if err != nil {
		return err
	}
	c, err := l.engine.Observe(ctx, string(key))
	if err != nil {
		return err
	}
	f.Now = now
	if c.Phase == dockerwatch.Gone {
		f.Container.Phase = dockerwatch.Gone
		return nil
	}
	f.Container, f.Owner = c, l.ownership.Judge(c.Name, c.Labels)
	if !f.Owner.Owned {
		return nil
	}
	f.Claimants, err = l.store.Claimants(ctx, dockerwatch.References(c.ID, c.Name))
	return err
}

// lookAtSession reads the owner's row and looks at what it claims in place of the container.
func (l *Containers) lookAtSession(ctx context.Context, f *verdict.ContainerFacts) (err error) {
	f.Session, err = l.store.Get(ctx, f.Owner.Session)
	switch {
	case errors.Is(err, sessiondb.ErrImpossibleID):
		f.SessionInvalid = true
		return nil
	case errors.Is(err, sessiondb.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	row := f.Session
	f.SessionFound, f.OtherNode = true, !l.store.Serves(row)
	f.ClaimInvalid = row.Claims() && dockerwatch.CheckReference(row.Claim) != nil
	if f.OtherNode || f.ClaimInvalid {
		return nil
	}
	if row.Kind != sessiondb.StatusLive {
		return l.lookAtEnded(ctx, f)
	}
	if row.Claims() {
		f.Claimed, err = l.engine.Observe(ctx, row.Claim)
		if errors.Is(err, dockerwatch.ErrInvalidReference) {
			f.ClaimInvalid = true
			return nil
		}
		f.ClaimedTaken = l.ownership.JudgeClaimed(f.Claimed.Name, f.Claimed.Labels).OtherSession(row.ID)
		return err
	}
	f.Predates = l.candidates.mayPredate(row, f.Container)
	if l.policy.Labelled(f.Owner) && f.Container.Phase == dockerwatch.Running {
		others, err := l.candidates.running(ctx, f.Owner.Session, f.Container.ID)
		if err != nil {
			return err
		}
		f.Alone = len(others) == 0
	}
	return nil
}

// lookAtEnded finds out whether an ended owner's claim can name a container. Only one that is too short for an id
// needs a look for that.
func (l *Containers) lookAtEnded(ctx context.Context, f *verdict.ContainerFacts) error {
	if !f.Session.Claims() || !dockerwatch.IsShortPrefix(f.Session.Claim) {
		return nil
	}
	_, err := l.engine.Observe(ctx, f.Session.Claim)
	if errors.Is(err, dockerwatch.ErrInvalidReference) {
		f.ClaimInvalid = true
		return nil
	}
	return err
}

// lookAtGuards reads what holds the removal of any container. While the breaker holds it, it does not count as watched:
// its row may be the next that comes back.
func (l *Containers) lookAtGuards(ctx context.Context, f *verdict.ContainerFacts) error {
	hasRows, err := l.store.HasRows(ctx)
	if err != nil {
		return err
	}
	f.TableEmpty = !hasRows
	f.WatchedFor = min(f.WatchedFor, l.breaker.RowlessClearFor())
	// Rows that are lost together are not lost in one moment: what is counted is what is left after the grace.
	f.Tripped, f.Counted = l.breaker.Rowless(time.Now().Add(l.policy.GoneGrace.Duration - f.WatchedFor))
	return nil
}
