package controllers

import (
	"context"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// SessionOutcome is how one pass over a session ended.
type SessionOutcome = Outcome[verdict.SessionFacts]

// sessionSubject is the first table: rows, and the containers they claim.
type sessionSubject struct {
	*effects

	looks   *evidence.Sessions
	policy  verdict.Policy
	tracker *evidence.SessionTracker
	locks   *containerLocks
	history *dockerwatch.History
	// containers are told of each container that a look finds claimed, and released takes one that a session was seen to
	// mean and that its row claims no more. If released is nil, nobody looks at that.
	containers *evidence.ContainerTracker
	released   keyQueue[verdict.ContainerKey]
}

func (s *sessionSubject) look(ctx context.Context, key verdict.SessionKey) (verdict.SessionFacts, error) {
	return s.looks.Look(ctx, key)
}

// record notes what a look saw, when it has ended. The error is ctx's, when it ends first.
func (s *sessionSubject) record(ctx context.Context, key verdict.SessionKey, f verdict.SessionFacts) error {
	if !f.LookFailed {
		for _, c := range [...]dockerwatch.Observation{f.Container, f.Renamed} {
			// An inspect waits for what the engine is doing to the container; a list may still show one that is known to have
			// died as running, and is no reason to note this.
			if c.Phase == dockerwatch.Running || c.Phase == dockerwatch.Paused {
				s.history.Runs(c.ID, f.Began)
			}
		}
		if f.Container.ID != "" {
			s.containers.Forget(ContainerKey(f.Container.ID))
		}
	}
	if released := s.tracker.Record(key, f); released != "" && s.released != nil {
		return s.released.fresh(ctx, ContainerKey(released))
	}
	return nil
}

func (s *sessionSubject) decide(f verdict.SessionFacts) verdict.Verdict {
	return verdict.DecideSession(s.policy, f)
}

// apply carries out one verdict. Where a claim is given up though its container exists, only one at a time does so for
// that container, and reads once more whether the others still claim it: each of two sessions that end together would
// leave the container to the other one, and no row would claim it any more.
func (s *sessionSubject) apply(
	ctx context.Context, f verdict.SessionFacts, v verdict.Verdict, done func(error),
) (over bool, err error) {
	if f.Container.ID == "" || v.Action != verdict.Release && v.Action != verdict.FailAndRelease {
		return s.effects.apply(ctx, f, v, done)
	}
	unlock, err := s.locks.lock(f.Container.ID)
	if err != nil {
		return false, err
	}
	defer unlock()
	if v.Reason == verdict.ContainerShared && !f.Owner.OtherSession(f.Row.ID) {
		others, err := s.looks.OtherClaimants(ctx, f.Row, f.Container)
		if err != nil {
			return false, err
		}
		if !verdict.SharedWithHeld(others) {
			return false, evidence.Conflict(verdict.KindSession, f.Row.ID)
		}
	}
	return s.effects.apply(ctx, f, v, done)
}

func (s *sessionSubject) news(key verdict.SessionKey, text string) bool {
	return s.tracker.ShouldLogFailure(key, text)
}

// report tells what is only told: claims that name nothing, containers that are not ours, crash loops. Once, not at
// every look.
func (s *sessionSubject) report(ctx context.Context, f verdict.SessionFacts, v verdict.Verdict) {
	if v.Action != verdict.Report && v.Action != verdict.Hold {
		return
	}
	if s.tracker.ShouldLog(SessionKey(f.Row.ID), f.Row.Claim, sweep.Reported(v.Reason)) {
		effectLog(ctx, f, v).Info(v.Reason.Advice())
	}
}
