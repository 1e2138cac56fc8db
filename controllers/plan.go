package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	// Items are the sessions that disagree with their containers, or are reported or held, ordered by id.
	Items []Outcome
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

// Drift reports whether something would be done, now or after a grace.
func (p Plan) Drift() bool {
	return slices.ContainsFunc(p.Items, func(o Outcome) bool { return o.Verdict.Drift() })
}

// Failed are the looks that failed: about those sessions nothing is known.
func (p Plan) Failed() error {
	var errs []error
	for _, o := range p.Items {
		if o.Err != nil {
			errs = append(errs, fmt.Errorf("session %s: %w", o.Facts.Row.ID, o.Err))
		}
	}
	return errors.Join(errs...)
}

// MakePlan looks at everything, or at the named sessions only, and says what would be done. It writes nothing. The
// error is that of the engine or the database, or [sessiondb.ErrNotFound] for a session that does not exist.
func MakePlan(ctx context.Context, o Options, sessions []string) (Plan, error) {
	c := newCore(o)
	var p Plan
	var keys []SessionKey
	var err error
	if len(sessions) > 0 {
		keys, err = c.named(ctx, sessions)
	} else {
		keys, err = c.survey(ctx, &p)
	}
	if err != nil {
		return Plan{}, err
	}
	p.Items = c.outcomes(ctx, keys)
	if err := ctx.Err(); err != nil {
		return Plan{}, fmt.Errorf("the plan was interrupted: %w", err)
	}
	return p, nil
}

// survey sweeps: it fills in the counts and the foreign claims, and returns the sessions that are worth a look.
func (c *core) survey(ctx context.Context, p *Plan) ([]SessionKey, error) {
	var keys []SessionKey
	var err error
	p.Sweep, err = c.sweeper.sweep(ctx, func(row sessiondb.Row, listed *dockerwatch.Container, s standing) error {
		if listed != nil {
			if f, foreign := c.foreign(row, listed); foreign {
				p.Foreign = append(p.Foreign, f)
			}
		}
		if s != standsHealthy && s != standsHeld {
			keys = append(keys, SessionKey(row.ID))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.Unknown, err = c.Store.UnknownStatuses(ctx)
	return keys, err
}

// named checks that the sessions exist.
func (c *core) named(ctx context.Context, sessions []string) ([]SessionKey, error) {
	keys := make([]SessionKey, 0, len(sessions))
	for _, id := range sessions {
		if _, err := c.Store.Get(ctx, id); err != nil {
			return nil, err
		}
		keys = append(keys, SessionKey(id))
	}
	return keys, nil
}

// outcomes looks at each session and decides, with as many workers as the controller has.
func (c *core) outcomes(ctx context.Context, keys []SessionKey) []Outcome {
	var mu sync.Mutex
	var outcomes []Outcome
	var group errgroup.Group
	group.SetLimit(c.Workers)
	for _, key := range keys {
		group.Go(func() error {
			facts, err := c.looker.look(ctx, key)
			for tries := 1; retryNow(err) && tries < passLimit; tries++ {
				facts, err = c.looker.look(ctx, key) // somebody moved in between
			}
			out := Outcome{Facts: facts, Verdict: Decide(c.Policy, facts), Err: err}
			mu.Lock()
			defer mu.Unlock()
			if out.Verdict.Action != Nothing {
				outcomes = append(outcomes, out)
			}
			return nil
		})
	}
	_ = group.Wait() // every look's error is in its outcome
	slices.SortFunc(outcomes, func(a, b Outcome) int { return cmp.Compare(a.Facts.Row.ID, b.Facts.Row.ID) })
	return outcomes
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

// Intent says in a word or two what would become of the session, all effects taken together: what a verdict begins, the
// next looks finish.
func (o Outcome) Intent() string {
	switch o.Verdict.Action {
	case Fail:
		if o.Facts.Owner.Owned {
			return "fail+remove"
		}
		return "fail"
	case Pin, Stop, Remove, RemoveDead:
		if o.Facts.Container.Phase.Alive() {
			return "stop+remove"
		}
		return "remove"
	case FailAndRelease, Release:
		return string(o.Verdict.Action)
	case Retry:
		return "look again"
	case Nothing, Hold, Report:
	}
	return "none"
}
