package controllers

import (
	"context"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// SessionOutcome is how one pass over a session ended.
type SessionOutcome = Outcome[verdict.SessionFacts]

// sessionSubject is the first table: rows, and the containers they claim.
type sessionSubject struct {
	*looker
	*effects

	policy verdict.Policy
	memory *memory
	locks  *containerLocks
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
		others, err := s.otherClaimants(ctx, f.Row, f.Container)
		if err != nil {
			return false, err
		}
		if !verdict.SharedWithHeld(others) {
			return false, conflict(verdict.KindSession, f.Row.ID)
		}
	}
	return s.effects.apply(ctx, f, v, done)
}

func (s *sessionSubject) news(key verdict.SessionKey, text string) bool {
	return s.memory.complain(key, text)
}

// report tells what is only told: claims that name nothing, containers that are not ours, crash loops. Once, not at
// every look.
func (s *sessionSubject) report(ctx context.Context, f verdict.SessionFacts, v verdict.Verdict) {
	if v.Action != verdict.Report && v.Action != verdict.Hold {
		return
	}
	if s.memory.say(SessionKey(f.Row.ID), f.Row.Claim, said(v.Reason)) {
		effectLog(ctx, f, v).Info(v.Reason.Advice())
	}
}

// said is how the memory remembers that a reason was reported.
func said(reason verdict.Reason) string { return "reported " + string(reason) }
