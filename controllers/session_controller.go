package controllers

import "context"

// SessionOutcome is how one pass over a session ended.
type SessionOutcome = Outcome[Facts]

// sessionSubject is the first table: rows, and the containers they claim.
type sessionSubject struct {
	*looker
	*effects

	policy Policy
	memory *memory
	turns  *turns
}

func (s *sessionSubject) decide(f Facts) Verdict { return Decide(s.policy, f) }

// apply carries out one verdict. Where a claim is given up though its container exists, only one at a time does so for
// that container, and whoever leaves it to others reads once more whether they still claim it: each of two that end
// together would leave it to the other one, and nobody would know of it any more.
func (s *sessionSubject) apply(ctx context.Context, f Facts, v Verdict, done func(error)) (over bool, err error) {
	if f.Container.ID == "" || v.Action != Release && v.Action != FailAndRelease {
		return s.effects.apply(ctx, f, v, done)
	}
	leave, err := s.turns.take(f.Container.ID)
	if err != nil {
		return false, err
	}
	defer leave()
	if v.Reason == ContainerShared && !f.Owner.OtherSession(f.Row.ID) {
		others, err := s.otherClaimants(ctx, f.Row, f.Container)
		if err != nil {
			return false, err
		}
		if !sharedWithHeld(others) {
			return false, conflict(kindSession, f.Row.ID)
		}
	}
	return s.effects.apply(ctx, f, v, done)
}

func (s *sessionSubject) news(key SessionKey, text string) bool { return s.memory.complain(key, text) }

// report tells what is only told: claims that name nothing, containers that are not ours, crash loops. Once, not at
// every look.
func (s *sessionSubject) report(ctx context.Context, f Facts, v Verdict) {
	if v.Action != Report && v.Action != Hold {
		return
	}
	if s.memory.say(SessionKey(f.Row.ID), f.Row.Claim, said(v.Reason)) {
		effectLog(ctx, f, v).Info(advice(v.Reason))
	}
}

// said is how the memory remembers that a reason was reported.
func said(reason Reason) string { return "reported " + string(reason) }

// advice is the constant message of a report.
func advice(reason Reason) string {
	switch reason {
	case StatusUnknown:
		return "Session has a status the configuration does not know, hands off"
	case ClaimInvalid:
		return "Session claims something that can name no container, hands off"
	case ContainerTaken:
		return "Session claims a container that is labelled with another session"
	case ContainerLooping:
		return "Container keeps being restarted"
	case ContainerForeign:
		return "Container is not owned, it is left alone and the claim is kept"
	case ContainerKept:
		return "Container carries the keep label, it is left alone"
	case ContainerUnrecorded:
		return "Container of a live session is claimed by no row"
	case ContainerSuperseded:
		return "Container was superseded, its session claims another one that runs"
	case ContainerLeaked:
		return "Container is claimed by no row and its session has ended or does not exist"
	case SessionInvalid:
		return "Container's session can be no id of the sessions table, hands off"
	case SessionElsewhere:
		return "Container's session is live on another node, or on an unknown one, hands off"
	case TableEmpty:
		return "Container is claimed by no row, but the sessions table is empty, hands off"
	case BreakerTripped:
		return "Container is claimed by no row, but that is so of too many, hands off"
	case ReasonNone, LookFailed, NeverStarted, ContainerExited, ContainerOOMKilled, ContainerGone,
		ContainerShared, ContainerReplaced, SessionEnded:
	}
	return "Reported"
}
