package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Plan is what the controller would do now, without doing it.
type Plan struct {
	// Sweep is what was counted; zero when single sessions were asked for.
	Sweep Sweep
	// Sessions disagree with their containers, or are reported or held, ordered by id.
	Sessions []SessionOutcome
	// Containers are claimed by no row and are to be adopted or removed, or are reported or held, ordered by session.
	Containers []ContainerOutcome
	// Unknown are the statuses that the configuration does not know.
	Unknown []sessiondb.StatusCount
	// Foreign are claims of containers that are not owned, whatever their state.
	Foreign []ForeignClaim
}

// ForeignClaim is a row that claims a container which is not owned.
type ForeignClaim struct {
	Session, Claim, Container string
	// Setting is the one configuration setting that would own the container.
	Setting string
}

// Drift reports whether something would be done, now or after a grace, or would be if no guard stood before it.
func (p Plan) Drift() bool {
	return slices.ContainsFunc(p.Sessions, func(o SessionOutcome) bool { return o.Verdict.Drift() }) ||
		slices.ContainsFunc(p.Containers, func(o ContainerOutcome) bool {
			return o.Verdict.Drift() || o.Verdict.HeldBack()
		})
}

// Failed are the looks that failed: about those nothing is known.
func (p Plan) Failed() error {
	var errs []error
	for _, o := range p.Sessions {
		if o.Err != nil {
			errs = append(errs, fmt.Errorf("session %s: %w", o.Facts.Row.ID, o.Err))
		}
	}
	for _, o := range p.Containers {
		if o.Err != nil {
			errs = append(errs, fmt.Errorf("container %s: %w", o.Facts.Container.ID, o.Err))
		}
	}
	return errors.Join(errs...)
}

// MakePlan looks at everything, or at the named sessions and their containers only, and says what would be done. It
// writes nothing. The error is that of the engine or the database, or [sessiondb.ErrNotFound] for a session that does
// not exist and has no container either.
func MakePlan(ctx context.Context, o Options, sessions []string) (Plan, error) {
	o.DryRun = true
	c := newCore(o)
	defer c.wait()
	var p Plan
	s, err := c.survey(ctx, &p)
	if err != nil {
		return Plan{}, err
	}
	if len(sessions) > 0 {
		if s, err = c.named(ctx, sessions, s.unclaimed); err != nil {
			return Plan{}, err
		}
		p = Plan{}
	}
	p.Sessions = outcomes(ctx, c.Workers, s.sessions, c.sessionReconciler(nil))
	p.Containers = outcomes(ctx, c.Workers, slices.Collect(maps.Keys(s.unclaimed)), c.containerReconciler(nil))
	slices.SortFunc(p.Sessions, func(a, b SessionOutcome) int { return cmp.Compare(a.Facts.Row.ID, b.Facts.Row.ID) })
	slices.SortFunc(p.Containers, func(a, b ContainerOutcome) int {
		return cmp.Or(cmp.Compare(a.Facts.Owner.Session, b.Facts.Owner.Session),
			cmp.Compare(a.Facts.Container.ID, b.Facts.Container.ID))
	})
	if err := ctx.Err(); err != nil {
		return Plan{}, fmt.Errorf("the plan was interrupted: %w", err)
	}
	return p, nil
}

// survey is what a sweep found worth a look.
type survey struct {
	sessions []SessionKey
	// unclaimed are the containers that no row claims, with their owners' sessions.
	unclaimed map[ContainerKey]string
}

// survey sweeps: it fills in the counts and the foreign claims.
func (c *core) survey(ctx context.Context, p *Plan) (survey, error) {
	found := survey{unclaimed: map[ContainerKey]string{}}
	var err error
	p.Sweep, err = c.sweeper.sweep(ctx, visitor{
		row: func(row sessiondb.Row, listed *dockerwatch.Container, s standing) error {
			if listed != nil {
				if f, foreign := c.foreign(row, listed); foreign {
					p.Foreign = append(p.Foreign, f)
				}
			}
			if s != standsHealthy && s != standsHeld {
				found.sessions = append(found.sessions, SessionKey(row.ID))
			}
			return nil
		},
		container: func(listed *dockerwatch.Container) error {
			found.unclaimed[ContainerKey(listed.ID)] = c.Ownership.Judge(firstName(listed), listed.Labels).Session
			return nil
		},
	})
	if err != nil {
		return survey{}, err
	}
	p.Unknown, err = c.Store.UnknownStatuses(ctx)
	return found, err
}

// named are the sessions that were asked for, and the containers among the unclaimed ones that belong to them.
func (c *core) named(ctx context.Context, sessions []string, unclaimed map[ContainerKey]string) (survey, error) {
	found := survey{unclaimed: map[ContainerKey]string{}}
	for _, id := range sessions {
		row, err := c.Store.Get(ctx, id)
		for key, owner := range unclaimed {
			if owner == id || (err == nil && owner == row.ID) {
				found.unclaimed[key] = owner
			}
		}
		switch {
		case err == nil:
			found.sessions = append(found.sessions, SessionKey(id))
		case !isNotFound(err) || len(found.unclaimed) == 0:
			return survey{}, err
		}
	}
	return found, nil
}

// outcomes looks at each key and decides, in parallel.
func outcomes[K ~string, F looks](ctx context.Context, workers int, keys []K, r *reconciler[K, F]) []Outcome[F] {
	var mu sync.Mutex
	var found []Outcome[F]
	var group errgroup.Group
	group.SetLimit(workers)
	for _, key := range keys {
		group.Go(func() error {
			looked, err := r.subject.look(ctx, key)
			for tries := 1; retryNow(err) && tries < passLimit; tries++ {
				looked, err = r.subject.look(ctx, key) // somebody moved in between
			}
			out := Outcome[F]{Facts: looked, Verdict: r.subject.decide(looked), Err: err}
			mu.Lock()
			defer mu.Unlock()
			if out.Verdict.Action != Nothing {
				found = append(found, out)
			}
			return nil
		})
	}
	_ = group.Wait() // every look's error is in its outcome
	return found
}

// foreign reports whether a row claims a container that is not owned, with the setting that would own it.
func (c *core) foreign(row sessiondb.Row, listed *dockerwatch.Container) (ForeignClaim, bool) {
	name := firstName(listed)
	owner := c.Ownership.JudgeClaimed(name, listed.Labels)
	if owner.Owned || owner.OtherSession(row.ID) || row.Kind == sessiondb.StatusUnknown {
		return ForeignClaim{}, false
	}
	f := ForeignClaim{Session: row.ID, Claim: row.Claim, Container: cmp.Or(name, listed.ID[:shortID])}
	f.Setting = "docker.ownership.claimed: true"
	theirs := c.Ownership
	theirs.Installation = owner.Installation
	if theirs.Judge(name, listed.Labels).Owned {
		f.Setting = fmt.Sprintf("docker.ownership.installation: %q", owner.Installation)
	}
	return f, true
}
