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

	"github.com/session-controller/session-controller/controllers/internal/verdict"
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
	// Pause is an operator's, until whose end nothing of this is done; the zero value where there is none.
	Pause sessiondb.Pause
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
	planner := NewPlanner(o)
	defer planner.Close()
	return planner.Plan(ctx, sessions)
}

// Planner makes plans one after another, and remembers in between since when it has seen what it saw, so that a wait
// counts down.
type Planner struct {
	core       *core
	sessions   *reconciler[verdict.SessionKey, verdict.SessionFacts]
	containers *reconciler[verdict.ContainerKey, verdict.ContainerFacts]
}

// NewPlanner returns a planner that writes nothing. [Planner.Close] must be called in the end.
func NewPlanner(o Options) *Planner {
	o.DryRun = true
	c := newCore(o)
	return &Planner{core: c, sessions: c.sessionReconciler(nil, nil), containers: c.containerReconciler(nil)}
}

// Close returns when nothing is under way any more.
func (planner *Planner) Close() { planner.core.wait() }

// Plan is [MakePlan].
func (planner *Planner) Plan(ctx context.Context, sessions []string) (Plan, error) {
	c := planner.core
	var p Plan
	s, err := c.survey(ctx, &p)
	if err != nil {
		return Plan{}, err
	}
	pause, err := c.gate.Asked(ctx)
	if err != nil && !errors.Is(err, sessiondb.ErrNoLedger) {
		return Plan{}, err
	}
	if len(sessions) > 0 {
		if s, err = c.named(ctx, sessions, s.unclaimed); err != nil {
			return Plan{}, err
		}
		p = Plan{}
	}
	p.Pause = pause
	if err := planner.look(ctx, s, &p); err != nil {
		return Plan{}, err
	}
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

// look decides about everything that was found. Where a verdict waits for the counts of a sweep, it takes one and looks
// once more.
func (planner *Planner) look(ctx context.Context, s survey, p *Plan) error {
	c := planner.core
	for swept := false; ; swept = true {
		p.Sessions = outcomes(ctx, c.Workers, s.sessions, planner.sessions)
		p.Containers = outcomes(ctx, c.Workers, slices.Collect(maps.Keys(s.unclaimed)), planner.containers)
		if swept || !p.awaitsSweep() {
			return nil
		}
		if _, err := c.survey(ctx, &Plan{}); err != nil {
			return err
		}
	}
}

func (p Plan) awaitsSweep() bool {
	return slices.ContainsFunc(p.Sessions, func(o SessionOutcome) bool {
		return o.Verdict.Reason == verdict.AwaitingSweep
	}) || slices.ContainsFunc(p.Containers, func(o ContainerOutcome) bool {
		return o.Verdict.Reason == verdict.AwaitingSweep
	})
}

// outcomes looks at each key and decides, in parallel.
func outcomes[K ~string, F looks](ctx context.Context, workers int, keys []K, r *reconciler[K, F]) []Outcome[F] {
	var mu sync.Mutex
	var found []Outcome[F]
	var group errgroup.Group
	group.SetLimit(workers)
	for _, key := range keys {
		group.Go(func() error {
			looked, err := r.look(ctx, key)
			for tries := 1; retryNow(err) && tries < passLimit; tries++ {
				looked, err = r.look(ctx, key) // it changed in between
			}
			out := Outcome[F]{Facts: looked, Verdict: r.subject.decide(looked), Err: err}
			mu.Lock()
			defer mu.Unlock()
			if out.Verdict.Action != verdict.Nothing {
				found = append(found, out)
			}
			return nil
		})
	}
	_ = group.Wait() // every look's error is in its outcome
	return found
}
