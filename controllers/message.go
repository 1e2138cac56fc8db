package controllers

import (
	"fmt"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// failure is what the row of a failed session, and its server, are told. claim is what the row claims from then on.
func failure(f Facts, v Verdict, claim string) sessiondb.Failure {
	return sessiondb.Failure{Claim: claim, Reason: string(v.Reason), Message: message(f, v.Reason)}
}

// message is one sentence for the session's user. It holds nothing that a container or its engine can choose the words
// of, and so no secret.
func message(f Facts, reason Reason) string {
	switch reason {
	case ContainerExited, ContainerOOMKilled:
		return "container exited" + code(f) + outOfMemory(reason) + at(f)
	case ContainerGone:
		if when := at(f); when != "" {
			return "container was removed" + when
		}
		return "container is gone"
	case NeverStarted:
		return "container was created and never started"
	case ContainerLooping:
		return fmt.Sprintf("container keeps crashing, its restart policy restarted it %d times", f.Container.RestartCount)
	case ContainerTaken:
		return "container belongs to another session"
	case ReasonNone, StatusUnknown, ClaimInvalid, LookFailed, ContainerShared, ContainerForeign,
		ContainerReplaced, ContainerKept, SessionEnded, ContainerUnrecorded, ContainerSuperseded, ContainerLeaked,
		SessionInvalid, SessionElsewhere, TableEmpty, BreakerTripped:
	}
	return "session failed"
}

// code is what the inspect showed or, where the container is gone, what its die event carried.
func code(f Facts) string {
	switch {
	case !f.Container.FinishedAt.IsZero():
		return fmt.Sprintf(" with code %d", f.Container.ExitCode)
	case f.Container.Phase == dockerwatch.Gone && f.Evidence.ExitCode != nil:
		return fmt.Sprintf(" with code %d", *f.Evidence.ExitCode)
	}
	return ""
}

func outOfMemory(reason Reason) string {
	if reason == ContainerOOMKilled {
		return " (out of memory)"
	}
	return ""
}

// diedAt is the engine's time of the container's end; zero where nobody knows it, or it did not end.
func (f Facts) diedAt() time.Time {
	switch {
	case f.Container.Phase == dockerwatch.Gone:
		return f.Evidence.EndedAt()
	case f.Container.Phase.Alive():
		return time.Time{}
	}
	return f.Container.FinishedAt
}

// at is the engine's time, in UTC and to the second.
func at(f Facts) string {
	when := f.diedAt()
	if when.IsZero() {
		return ""
	}
	return " at " + when.UTC().Format(time.RFC3339)
}
