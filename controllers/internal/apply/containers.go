package apply

import (
	"context"
	"errors"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Containers carries out the verdicts about containers that no row claims. It is safe for concurrent use.
type Containers struct {
	store   Store
	engine  Engine
	policy  verdict.Policy
	gate    effectGate
	stopper *Stopper
	tracker *evidence.ContainerTracker
	metrics *metrics.Metrics
	ends    *postMortems
}

// Report logs what is only reported, once, not at every look.
func (e *Containers) Report(ctx context.Context, f verdict.ContainerFacts, v verdict.Verdict) {
	if v.Action != verdict.Report && v.Action != verdict.Hold {
		return
	}
	if e.tracker.ShouldLog(verdict.ContainerKey(f.Container.ID), evidence.Reported(v.Reason)) {
		containerLog(ctx, f, v).Info(v.Reason.Advice())
	}
}

// Apply carries out one verdict and logs it, as [Sessions.Apply] does. The rows are read once more right before: what
// was saved since the looks exonerates the container.
func (e *Containers) Apply(
	ctx context.Context, f verdict.ContainerFacts, v verdict.Verdict, stopped func(error),
) (done bool, err error) {
	log := containerLog(ctx, f, v)
	shouldLog := func(text string) bool { return e.tracker.ShouldLog(verdict.ContainerKey(f.Container.ID), text) }
	release, err := e.gate.enter(ctx, log, v, shouldLog)
	if err != nil {
		return false, err
	}
	defer release()
	if err := e.unchanged(ctx, f); err != nil {
		return false, err
	}
	if v.Action == verdict.Stop {
		return false, e.stopper.begin(ctx, log, v.Reason, f.Container.ID, e.policy.StopTimeout.Duration, stopped)
	}
	if v.Removes() {
		if err := e.ends.write(ctx, logFor(ctx, v).WithValues("session", f.Owner.Session), f.Container,
			f.Container.OOMKilled); err != nil {
			return false, err
		}
	}
	began := time.Now()
	err = e.act(ctx, f, v)
	e.metrics.Effect(v, err)
	if err != nil {
		return false, err
	}
	if v.Removes() {
		e.ends.forget(f.Container.ID)
	}
	log.Info(containerSentence(v.Action), "took", time.Since(began).String())
	return false, nil
}

func (e *Containers) act(ctx context.Context, f verdict.ContainerFacts, v verdict.Verdict) (err error) {
	opts := dockerwatch.RemoveOptions{Volumes: e.policy.RemoveVolumes}
	switch v.Action {
	case verdict.Adopt:
		_, err = e.store.SetClaim(ctx, f.Session, f.Container.ID)
	case verdict.Remove:
		err = e.engine.Remove(ctx, f.Container.ID, opts)
	case verdict.RemoveDead:
		err = e.engine.RemoveDead(ctx, f.Container.ID, opts)
	case verdict.Stop, verdict.Fail, verdict.FailAndRelease, verdict.Pin, verdict.Release, verdict.Nothing, verdict.Hold,
		verdict.Report, verdict.Retry:
	}
	return err
}

// unchanged reads the rows again: the owner's must be as it was, and still none may claim the container.
func (e *Containers) unchanged(ctx context.Context, f verdict.ContainerFacts) error {
	row, err := e.store.Get(ctx, f.Owner.Session)
	found := !errors.Is(err, sessiondb.ErrNotFound)
	if found && err != nil {
		return err
	}
	if found != f.SessionFound || row != f.Session {
		return evidence.Conflict("session", f.Owner.Session)
	}
	claimants, err := e.store.Claimants(ctx, dockerwatch.References(f.Container.ID, f.Container.Name))
	if err != nil {
		return err
	}
	if len(claimants) > 0 {
		return evidence.Conflict("container", f.Container.ID)
	}
	return nil
}

func containerSentence(a verdict.Action) string {
	if a == verdict.Adopt {
		return "Session's claim recorded"
	}
	return "Container removed"
}
