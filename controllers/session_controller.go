package controllers

import (
	"context"

	"github.com/session-controller/session-controller/controllers/internal/apply"
	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// SessionOutcome is how one pass over a session ended.
type SessionOutcome = Outcome[verdict.SessionFacts]

// sessionSubject is the first table: rows, and the containers they claim.
type sessionSubject struct {
	*apply.Sessions

	looks   *evidence.Sessions
	policy  verdict.Policy
	tracker *evidence.SessionTracker
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

func (s *sessionSubject) news(key verdict.SessionKey, text string) bool {
	return s.tracker.ShouldLogFailure(key, text)
}
