package controllers

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

// Decide is the first table of the design (section 3): pure, total, first match wins. It has no clock of its own and
// does no I/O, and it is the only place that knows what a disagreement means.
func Decide(p Policy, f Facts) Verdict {
	switch {
	case f.RowFailed: // row 4, of the first look
		return Verdict{Action: Retry, Reason: LookFailed}
	case f.Elsewhere: // another controller's row
		return Verdict{Action: Nothing}
	case f.Row.Kind == sessiondb.StatusUnknown: // row 1
		return Verdict{Action: Hold, Reason: StatusUnknown}
	case !f.Row.Claims(): // row 2
		return Verdict{Action: Nothing}
	case f.ClaimInvalid: // row 3
		return Verdict{Action: Hold, Reason: ClaimInvalid}
	case f.LookFailed: // row 4
		return Verdict{Action: Retry, Reason: LookFailed}
	case f.Row.Kind == sessiondb.StatusLive:
		return decideLive(p, f)
	default:
		return decideEnded(p, f)
	}
}

// decideLive is rows 5–11.
func decideLive(p Policy, f Facts) Verdict {
	c := f.Container
	if f.Replacement.Phase == dockerwatch.Running && !c.Phase.Alive() { // row 7
		return Verdict{
			Action: Adopt, Reason: ContainerReplaced, Wait: f.remaining(time.Time{}, p.AdoptAfter.Duration),
		}
	}
	switch c.Phase {
	case dockerwatch.Running, dockerwatch.Paused, dockerwatch.Restarting:
		return decideAlive(p, f)
	case dockerwatch.Created: // row 8
		// The claim may have been saved before the container was made, so the later of the two counts.
		since := later(c.Created, f.Now.Add(-f.ClaimedFor))
		return Verdict{Action: Fail, Reason: NeverStarted, Wait: f.remaining(since, p.StartGrace.Duration)}
	case dockerwatch.Exited, dockerwatch.Dead, dockerwatch.Removing: // rows 9 and 10
		return decideStopped(p, f)
	case dockerwatch.Gone: // rows 10 and 11
		return decideGone(p, f)
	default:
		return Verdict{Action: Retry, Reason: LookFailed}
	}
}

// decideAlive is rows 5 and 6.
func decideAlive(p Policy, f Facts) Verdict {
	if f.Owner.OtherSession(f.Row.ID) { // row 5
		if f.Exclusive {
			return Verdict{Action: FailAndRelease, Reason: ContainerTaken}
		}
		return Verdict{Action: Report, Reason: ContainerTaken}
	}
	if !looping(f.Container, f.Now) { // row 6
		return Verdict{Action: Nothing}
	}
	if f.CauseFor < crashLoopAfter {
		return Verdict{Action: Nothing, Wait: f.untilSettled(crashLoopAfter - f.CauseFor)}
	}
	if p.CrashLoop == CrashLoopFail {
		return Verdict{Action: Fail, Reason: ContainerLooping}
	}
	return Verdict{Action: Report, Reason: ContainerLooping, Wait: f.untilSettled(crashLoopAfter)}
}

// decideStopped is rows 9 and 10 for a container that still exists.
func decideStopped(p Policy, f Facts) Verdict {
	v := Verdict{Action: Fail, Reason: exitReason(f)}
	grace := p.ExitGrace.Duration
	if f.Evidence.Crash {
		grace = 0
	}
	if f.Container.Phase == dockerwatch.Exited && f.Container.RestartPolicy != "no" { // row 9
		grace = max(grace, p.RestartGrace.Duration)
	}
	v.Wait = f.remaining(f.Container.FinishedAt, grace)
	return v
}

// decideGone is rows 10 and 11 for a container that does not exist (any more, or yet).
func decideGone(p Policy, f Facts) Verdict {
	v := Verdict{Action: FailAndRelease, Reason: ContainerGone}
	if f.Renamed != "" { // only its name is gone: the session is failed, and keeps the container until that is dealt with
		v.Action = Fail
	}
	switch {
	case f.SeenBefore && f.Evidence.Ended() && f.Evidence.Stale: // row 10: it may have run again, and have just ended
		v.Reason = exitReason(f)
		v.Wait = f.remaining(time.Time{}, p.ExitGrace.Duration)
	case f.SeenBefore && f.Evidence.Crash: // row 10: it died by itself and the engine removed it
		v.Reason = exitReason(f)
	case f.SeenBefore && f.Evidence.Ended(): // row 10: somebody stopped or removed it
		v.Reason = exitReason(f)
		v.Wait = f.remaining(f.Evidence.EndedAt(), p.ExitGrace.Duration)
	case f.SeenBefore: // row 11
		v.Wait = f.remaining(time.Time{}, p.GoneGrace.Duration)
	default: // row 11: a server may save the name first and run after
		v.Wait = f.remaining(time.Time{}, max(p.StartGrace.Duration, p.GoneGrace.Duration))
	}
	if f.Evidence.DestroyedAt.IsZero() { // what died and may have been started again is lost with all others
		v.Wait = max(v.Wait, f.Held)
	}
	return v
}

// decideEnded is rows 12–14.
func decideEnded(p Policy, f Facts) Verdict {
	c := f.Container
	switch {
	case f.Owner.OtherSession(f.Row.ID), sharedWithHeld(f.Others): // row 12
		return Verdict{Action: Release, Reason: ContainerShared}
	case c.Phase == dockerwatch.Gone: // row 14
		return Verdict{Action: Release, Reason: SessionEnded}
	case !f.Owner.Owned:
		return Verdict{Action: Report, Reason: ContainerForeign}
	case f.Owner.Keep:
		return Verdict{Action: Report, Reason: ContainerKept}
	}
	v := removal(c.Phase, SessionEnded) // row 13
	switch {
	case !v.Drift(): // the engine is at it
	case f.Row.Claim != c.ID:
		v.Action = Pin
		if f.Remade { // or it was made for a revival that is about to be saved, as one that no row claims may be
			v.Wait = max(f.remaining(c.Created, p.LeakGrace.Duration), p.GoneGrace.Duration-f.CauseFor)
		}
	case v.Action != Stop:
		v.Wait = f.remaining(c.FinishedAt, p.RemovalDelay.Duration)
	}
	return v
}

// removal is the next step towards the removal of a container that exists.
func removal(phase dockerwatch.Phase, reason Reason) Verdict {
	switch phase {
	case dockerwatch.Running, dockerwatch.Paused, dockerwatch.Restarting:
		return Verdict{Action: Stop, Reason: reason}
	case dockerwatch.Exited, dockerwatch.Created:
		return Verdict{Action: Remove, Reason: reason}
	case dockerwatch.Dead:
		return Verdict{Action: RemoveDead, Reason: reason}
	case dockerwatch.Removing:
		return Verdict{Action: Retry, Reason: reason}
	case dockerwatch.Gone:
	}
	return Verdict{Action: Retry, Reason: LookFailed}
}

// exitReason tells a container that ran out of memory from one that exited.
func exitReason(f Facts) Reason {
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

// sharedWithHeld reports whether one of the rows is live or has a status that nobody knows: both keep their container.
func sharedWithHeld(rows []sessiondb.Row) bool {
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
