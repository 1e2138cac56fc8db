package controllers

import (
	"context"

	"github.com/session-controller/session-controller/controllers/internal/apply"
	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// ContainerOutcome is how one pass over a container ended.
type ContainerOutcome = Outcome[verdict.ContainerFacts]

// containerSubject is the second table: containers that no row claims.
type containerSubject struct {
	*apply.Containers

	looks   *evidence.Containers
	policy  verdict.Policy
	tracker *evidence.ContainerTracker
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
