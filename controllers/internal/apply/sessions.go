package apply

import (
	"cmp"
	"context"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Sessions carries out the verdicts about sessions: one compare-and-set or one call on a full container id each (a
// removal is both: first the container, then the claim on it), and one log line each. It decides nothing, and writes
// nothing anywhere that is not permitted. It is safe for concurrent use.
type Sessions struct {
	store   Store
	engine  Engine
	policy  verdict.Policy
	gate    effectGate
	stopper *Stopper
	locks   *containerLocks
	looks   *evidence.Sessions
	tracker *evidence.SessionTracker
	metrics *metrics.Metrics
	guard   *identity.Guard
	ends    *postMortems
}

// Apply carries out one verdict and logs what there was before and after. It is done when the row claims nothing any
// more: what it claimed is gone, or another session's, and a row that claims something later comes as a change.
//
// A stop runs beside: Apply returns ErrStopping, and stopped is called with its result. ErrBusy says that others must
// be done first, ErrDryRun and [pause.ErrPaused] that nothing may be changed.
//
// A claim on a container that exists is given up under the container's lock, after its other claims were read once
// more: of two sessions that end together, each would leave the container to the other one, and no row would claim it
// any more.
func (e *Sessions) Apply(
	ctx context.Context, f verdict.SessionFacts, v verdict.Verdict, stopped func(error),
) (done bool, err error) {
	if f.Container.ID == "" || v.Action != verdict.Release && v.Action != verdict.FailAndRelease {
		return e.carryOut(ctx, f, v, stopped)
	}
	unlock, err := e.locks.lock(f.Container.ID)
	if err != nil {
		return false, err
	}
	defer unlock()
	if v.Reason == verdict.ContainerShared && !f.Owner.OtherSession(f.Row.ID) {
		others, err := e.looks.OtherClaimants(ctx, f.Row, f.Container)
		if err != nil {
			return false, err
		}
		if !verdict.SharedWithHeld(others) {
			return false, evidence.Conflict(verdict.KindSession, f.Row.ID)
		}
	}
	return e.carryOut(ctx, f, v, stopped)
}

// Report logs what is only reported: claims that name nothing, containers that are not ours, crash loops. Once, not at
// every look.
func (e *Sessions) Report(ctx context.Context, f verdict.SessionFacts, v verdict.Verdict) {
	if v.Action != verdict.Report && v.Action != verdict.Hold {
		return
	}
	if e.tracker.ShouldLog(verdict.SessionKey(f.Row.ID), f.Row.Claim, evidence.Reported(v.Reason)) {
		sessionLog(ctx, f, v).Info(v.Reason.Advice())
	}
}

// carryOut is Apply where no lock is needed.
func (e *Sessions) carryOut(
	ctx context.Context, f verdict.SessionFacts, v verdict.Verdict, stopped func(error),
) (done bool, err error) {
	log := sessionLog(ctx, f, v)
	shouldLog := func(text string) bool { return e.tracker.ShouldLog(verdict.SessionKey(f.Row.ID), f.Row.Claim, text) }
	release, err := e.gate.enter(ctx, log, v, shouldLog)
	if err != nil {
		return false, err
	}
	defer release()
	if v.Action == verdict.Stop {
		return false, e.stopper.begin(ctx, log, v.Reason, f.Container.ID, e.policy.StopTimeout.Duration, stopped)
	}
	if v.Removes() {
		if err := e.ends.write(ctx, logFor(ctx, v).WithValues("container", f.Container.ID), f.Container,
			f.Container.OOMKilled || f.Evidence.OOMKilled); err != nil {
			return false, err
		}
	}
	began := time.Now()
	row, err := e.act(ctx, f, v)
	e.metrics.Effect(v, err)
	if err != nil {
		return false, err
	}
	e.measure(f, v)
	if v.Removes() {
		e.ends.forget(f.Container.ID)
	}
	if done = !row.Claims(); done {
		e.tracker.Forget(verdict.SessionKey(row.ID))
	}
	log.Info(sentence(v.Action), "newstatus", row.Status, "newclaim", row.Claim, "took", time.Since(began).String())
	return done, nil
}

// measure notes how long a session that has just been failed was dead, where it is known since when.
func (e *Sessions) measure(f verdict.SessionFacts, v verdict.Verdict) {
	died := f.DiedAt()
	if (v.Action != verdict.Fail && v.Action != verdict.FailAndRelease) || died.IsZero() {
		return
	}
	if now, err := e.guard.Now(); err == nil {
		e.metrics.DeathToError(now.Sub(died))
	}
}

// act does it and returns the row as it is now.
func (e *Sessions) act(ctx context.Context, f verdict.SessionFacts, v verdict.Verdict) (sessiondb.Row, error) {
	switch v.Action {
	case verdict.Fail:
		return e.store.Fail(ctx, f.Row, verdict.Failure(f, v, cmp.Or(f.Container.ID, f.Renamed.ID)))
	case verdict.FailAndRelease:
		return e.store.Fail(ctx, f.Row, verdict.Failure(f, v, ""))
	case verdict.Pin:
		return e.store.SetClaim(ctx, f.Row, f.Container.ID)
	case verdict.Adopt:
		return e.store.SetClaim(ctx, f.Row, f.Replacement.ID)
	case verdict.Release:
		return e.store.Release(ctx, f.Row)
	case verdict.Remove:
		return e.remove(ctx, f, e.engine.Remove)
	case verdict.RemoveDead:
		return e.remove(ctx, f, e.engine.RemoveDead)
	case verdict.Stop, verdict.Nothing, verdict.Hold, verdict.Report, verdict.Retry:
	}
	return f.Row, nil
}

// remove removes the container and then clears the claim: an engine that answers "removed" has proven that the
// container is gone. An engine that answers "no such container" may be another one; the next look finds out. When the
// process dies between the two, the claim is still there and the next look resumes.
func (e *Sessions) remove(
	ctx context.Context, f verdict.SessionFacts,
	call func(context.Context, string, dockerwatch.RemoveOptions) error,
) (sessiondb.Row, error) {
	if err := call(ctx, f.Container.ID, dockerwatch.RemoveOptions{Volumes: e.policy.RemoveVolumes}); err != nil {
		return f.Row, err
	}
	return e.store.Release(ctx, f.Row)
}

// sentence is the constant message of an effect's log line. A stop logs its own end.
func sentence(a verdict.Action) string {
	switch a {
	case verdict.Fail, verdict.FailAndRelease:
		return "Session failed"
	case verdict.Pin:
		return "Claim pinned to the container's full id"
	case verdict.Adopt:
		return "Claim pointed at the session's running container"
	case verdict.Remove, verdict.RemoveDead:
		return "Container removed and claim released"
	case verdict.Release:
		return "Claim released"
	case verdict.Stop, verdict.Nothing, verdict.Hold, verdict.Report, verdict.Retry:
	}
	return ""
}
