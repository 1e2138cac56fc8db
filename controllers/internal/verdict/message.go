package verdict

import (
	"fmt"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Failure is what is written into the row of a failed session, for its server and its user. claim is what the row
// claims from then on; empty: nothing.
func Failure(f SessionFacts, v Verdict, claim string) sessiondb.Failure {
	return sessiondb.Failure{Claim: claim, Reason: string(v.Reason), Message: message(f, v.Reason)}
}

// message is one sentence for the session's user. It quotes no text of a container or of its engine, which could hold a
// secret.
func message(f SessionFacts, reason Reason) string {
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
		SessionInvalid, SessionElsewhere, TableEmpty, BreakerTripped, AwaitingSweep:
	}
	return "session failed"
}

// code is what the inspect showed or, where the container is gone, what its die event carried.
func code(f SessionFacts) string {
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

// at is the engine's time, in UTC and to the second.
func at(f SessionFacts) string {
	when := f.DiedAt()
	if when.IsZero() {
		return ""
	}
	return " at " + when.UTC().Format(time.RFC3339)
}
