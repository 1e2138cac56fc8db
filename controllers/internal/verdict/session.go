package verdict

import (
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

const (
	// crashLoopAfter is how long a container must have been restarting before it is called a crash loop. The engine's
	// own backoff doubles from 100 ms to one minute, so after two minutes it has tried about ten times.
	crashLoopAfter = 2 * time.Minute

	// stableAfter is how long a restarted container must have run before it no longer counts as restarting. The engine
	// resets its backoff after 10 s of running; one minute is its longest backoff.
	stableAfter = time.Minute
)

// DecideSession is the first table of docs/how-it-works.md, about a session and what it claims. The first rule that
// fits decides.
func DecideSession(p Policy, f SessionFacts) Verdict {
	switch {
	case f.RowFailed:
		return Verdict{Rule: "4", Action: Retry, Reason: LookFailed}
	case f.OtherNode:
		return Verdict{Rule: "N", Action: Nothing}
	case f.Row.Kind == sessiondb.StatusUnknown:
		return Verdict{Rule: "1", Action: Hold, Reason: StatusUnknown}
	case !f.Row.Claims():
		return Verdict{Rule: "2", Action: Nothing}
	case f.ClaimInvalid:
		return Verdict{Rule: "3", Action: Hold, Reason: ClaimInvalid}
	case f.LookFailed:
		return Verdict{Rule: "4", Action: Retry, Reason: LookFailed}
	case f.Row.Kind == sessiondb.StatusLive:
		return decideLive(p, f)
	default:
		return decideEnded(p, f)
	}
}

// decideLive is rules 5–11.
func decideLive(p Policy, f SessionFacts) Verdict {
	c := f.Container
	if f.Replacement.Phase == dockerwatch.Running && !c.Phase.Alive() {
		return Verdict{
			Rule: "7", Action: Adopt, Reason: ContainerReplaced, Wait: f.remaining(time.Time{}, p.AdoptAfter.Duration),
		}
	}
	switch c.Phase {
	case dockerwatch.Running, dockerwatch.Paused, dockerwatch.Restarting:
		return decideAlive(p, f)
	case dockerwatch.Created:
		// The claim may have been saved before the container was made, so the later of the two counts.
		since := later(c.Created, f.Now.Add(-f.ClaimedFor))
		return Verdict{Rule: "8", Action: Fail, Reason: NeverStarted, Wait: f.remaining(since, p.StartGrace.Duration)}
	case dockerwatch.Exited, dockerwatch.Dead, dockerwatch.Removing:
		return decideStopped(p, f)
	case dockerwatch.Gone:
		return decideGone(p, f)
	default:
		return Verdict{Rule: "4", Action: Retry, Reason: LookFailed}
	}
}

// decideAlive is rules 5 and 6.
func decideAlive(p Policy, f SessionFacts) Verdict {
	if f.Owner.OtherSession(f.Row.ID) {
		if f.Exclusive {
			return Verdict{Rule: "5", Action: FailAndRelease, Reason: ContainerTaken}
		}
		return Verdict{Rule: "5", Action: Report, Reason: ContainerTaken}
	}
	if !looping(f.Container, f.Now) {
		return Verdict{Rule: "6", Action: Nothing}
	}
	if f.CauseFor < crashLoopAfter {
		return Verdict{Rule: "6", Action: Nothing, Wait: f.untilSettled(crashLoopAfter - f.CauseFor)}
	}
	if p.CrashLoop == CrashLoopFail {
		return Verdict{Rule: "6", Action: Fail, Reason: ContainerLooping}
	}
	return Verdict{Rule: "6", Action: Report, Reason: ContainerLooping, Wait: f.untilSettled(crashLoopAfter)}
}

// decideStopped is rules 9 and 10 for a container that still exists.
func decideStopped(p Policy, f SessionFacts) Verdict {
	v := Verdict{Rule: "10", Action: Fail, Reason: exitReason(f)}
	grace := p.ExitGrace.Duration
	if f.Evidence.Crash {
		grace = 0
	}
	if f.Container.Phase == dockerwatch.Exited && f.Container.RestartPolicy != "no" {
		v.Rule = "9"
		grace = max(grace, p.RestartGrace.Duration)
	}
	v.Wait = f.remaining(f.Container.FinishedAt, grace)
	return v
}

// decideGone is rules 10 and 11 for a container that does not exist (any more, or yet).
func decideGone(p Policy, f SessionFacts) Verdict {
	v := Verdict{Rule: "11", Action: FailAndRelease, Reason: ContainerGone}
	if f.Renamed.ID != "" {
		// Only its name is gone: the session is failed, and keeps the container until that is dealt with.
		v.Action = Fail
	}
	switch ended := f.SeenBefore && f.Evidence.Ended(); {
	case ended:
		v.Rule, v.Reason = "10", exitReason(f)
		v.Wait = f.afterEnd(p.ExitGrace.Duration)
	case f.SeenBefore:
		v.Wait = f.remaining(time.Time{}, p.GoneGrace.Duration)
	default: // a server may save the name first and run after
		v.Wait = f.remaining(time.Time{}, max(p.StartGrace.Duration, p.GoneGrace.Duration))
	}
	if f.Evidence.DestroyedAt.IsZero() { // what died and may have been started again is lost with all others
		v.Wait = max(v.Wait, f.Held)
		if v.Due() && !f.Counted {
			return Verdict{Rule: v.Rule, Action: Retry, Reason: AwaitingSweep}
		}
	}
	return v
}

// afterEnd is how long is left of a grace that follows an end which the events told of: none after a crash.
func (f SessionFacts) afterEnd(grace time.Duration) time.Duration {
	switch {
	case f.Evidence.Stale: // it may have run again, and have just ended
		return f.remaining(time.Time{}, grace)
	case f.Evidence.Crash: // it died by itself and the engine removed it
		return 0
	default: // it was stopped or removed on purpose
		return f.remaining(f.Evidence.EndedAt(), grace)
	}
}

// decideEnded is rules 12–14.
func decideEnded(p Policy, f SessionFacts) Verdict {
	c := f.Container
	switch {
	case f.Owner.OtherSession(f.Row.ID), SharedWithHeld(f.Others):
		return Verdict{Rule: "12", Action: Release, Reason: ContainerShared}
	case c.Phase == dockerwatch.Gone:
		return Verdict{Rule: "14", Action: Release, Reason: SessionEnded}
	case !f.Owner.Owned:
		return Verdict{Rule: "13", Action: Report, Reason: ContainerForeign}
	case f.Owner.Keep:
		return Verdict{Rule: "13", Action: Report, Reason: ContainerKept}
	}
	v := removal("13", c.Phase, SessionEnded)
	switch {
	case !v.Drift(): // the engine is removing it
	case f.Row.Claim != c.ID:
		v.Action = Pin
		if f.NameReused { // or it was made for a revival that is about to be saved, as one that no row claims may be
			v.Wait = max(f.remaining(c.Created, p.LeakGrace.Duration), p.GoneGrace.Duration-f.CauseFor)
		}
	case v.Action != Stop:
		v.Wait = f.remaining(c.FinishedAt, p.RemovalDelay.Duration)
	}
	return v
}

// exitReason tells a container that ran out of memory from one that exited.
func exitReason(f SessionFacts) Reason {
	if f.Container.OOMKilled || f.Evidence.OOMKilled {
		return ContainerOOMKilled
	}
	return ContainerExited
}

// looping reports whether a container is being restarted by its policy and has not run for long since.
func looping(c dockerwatch.Observation, now time.Time) bool {
	if c.Phase == dockerwatch.Restarting {
		return true
	}
	return c.RestartCount > 0 && now.Sub(c.StartedAt) < stableAfter
}

// SharedWithHeld reports whether one of the rows is live or has an unknown status: both keep their container.
func SharedWithHeld(rows []sessiondb.Row) bool {
	for _, r := range rows {
		if r.Kind != sessiondb.StatusEnded {
			return true
		}
	}
	return false
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
