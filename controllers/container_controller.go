package controllers

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// ContainerOutcome is how one pass over a container ended.
type ContainerOutcome = Outcome[verdict.ContainerFacts]

// containerSubject is the second table: containers that no row claims.
type containerSubject struct {
	looks   *evidence.Containers
	tracker *evidence.ContainerTracker
	store   SessionStore
	policy  verdict.Policy
	remover Engine
	permit  permit
	stopper *stopper
	metrics *metrics.Metrics
	ends    *postMortems
}

func (s *containerSubject) look(ctx context.Context, key verdict.ContainerKey) (verdict.ContainerFacts, error) {
	return s.looks.Look(ctx, key)
}

// record notes what a look saw, when it has ended. It never fails.
func (s *containerSubject) record(_ context.Context, key verdict.ContainerKey, f verdict.ContainerFacts) error {
	s.tracker.Record(key, f, s.policy)
	return nil
}

func (s *containerSubject) decide(f verdict.ContainerFacts) verdict.Verdict {
	return verdict.DecideContainer(s.policy, f)
}

func (s *containerSubject) news(key verdict.ContainerKey, text string) bool {
	return s.tracker.ShouldLog(key, text)
}

// report tells what is only told, once, not at every look.
func (s *containerSubject) report(ctx context.Context, f verdict.ContainerFacts, v verdict.Verdict) {
	if v.Action != verdict.Report && v.Action != verdict.Hold {
		return
	}
	if s.tracker.ShouldLog(ContainerKey(f.Container.ID), sweep.Reported(v.Reason)) {
		containerLog(ctx, f, v).Info(v.Reason.Advice())
	}
}

// apply carries out one verdict and logs it. The rows are read once more right before: what was saved since the looks
// exonerates the container.
func (s *containerSubject) apply(
	ctx context.Context, f verdict.ContainerFacts, v verdict.Verdict, done func(error),
) (over bool, err error) {
	log := containerLog(ctx, f, v)
	say := func(text string) bool { return s.tracker.ShouldLog(ContainerKey(f.Container.ID), text) }
	leave, err := s.permit.ask(ctx, log, v, say)
	if err != nil {
		return false, err
	}
	defer leave()
	if err := s.unchanged(ctx, f); err != nil {
		return false, err
	}
	if v.Action == verdict.Stop {
		return false, s.stopper.begin(ctx, log, v.Reason, f.Container.ID, s.policy.StopTimeout.Duration, done)
	}
	if v.Removes() {
		if err := s.ends.write(ctx, logFor(ctx, v).WithValues("session", f.Owner.Session), f.Container,
			f.Container.OOMKilled); err != nil {
			return false, err
		}
	}
	began := time.Now()
	err = s.carryOut(ctx, f, v)
	s.metrics.Effect(v, err)
	if err != nil {
		return false, err
	}
	if v.Removes() {
		s.ends.forget(f.Container.ID)
	}
	log.Info(containerSentence(v.Action), "took", time.Since(began).String())
	return false, nil
}

func (s *containerSubject) carryOut(ctx context.Context, f verdict.ContainerFacts, v verdict.Verdict) (err error) {
	opts := dockerwatch.RemoveOptions{Volumes: s.policy.RemoveVolumes}
	switch v.Action {
	case verdict.Adopt:
		_, err = s.store.SetClaim(ctx, f.Session, f.Container.ID)
	case verdict.Remove:
		err = s.remover.Remove(ctx, f.Container.ID, opts)
	case verdict.RemoveDead:
		err = s.remover.RemoveDead(ctx, f.Container.ID, opts)
	case verdict.Stop, verdict.Fail, verdict.FailAndRelease, verdict.Pin, verdict.Release, verdict.Nothing, verdict.Hold,
		verdict.Report, verdict.Retry:
	}
	return err
}

// unchanged reads the rows again: the owner's must be as it was, and still none may claim the container.
func (s *containerSubject) unchanged(ctx context.Context, f verdict.ContainerFacts) error {
	row, err := s.store.Get(ctx, f.Owner.Session)
	found := !errors.Is(err, sessiondb.ErrNotFound)
	if found && err != nil {
		return err
	}
	if found != f.SessionFound || row != f.Session {
		return evidence.Conflict("session", f.Owner.Session)
	}
	claimants, err := s.store.Claimants(ctx, dockerwatch.References(f.Container.ID, f.Container.Name))
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

// containerLog returns a logger with what there was before the effect. Keys are the same in every line; the container's
// id is there already.
func containerLog(ctx context.Context, f verdict.ContainerFacts, v verdict.Verdict) logr.Logger {
	log := logFor(ctx, v).WithValues("phase", string(f.Container.Phase), "name", f.Container.Name,
		"session", f.Owner.Session)
	if f.SessionFound {
		log = log.WithValues("status", f.Session.Status, "claim", f.Session.Claim)
	}
	return log
}
