package controllers

import (
	"cmp"
	"context"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// effects carries out verdicts: one compare-and-set or one call on a full container id each (a removal is both: first
// the container, then the claim on it), and one log line each. It decides nothing, and writes nothing anywhere that is
// not permitted.
type effects struct {
	store   SessionStore
	engine  Engine
	policy  verdict.Policy
	permit  permit
	stopper *stopper
	tracker *evidence.SessionTracker
	metrics *metrics.Metrics
	guard   *identity.Guard
	ends    *postMortems
}

// apply carries out one verdict and logs what there was before and after.
//
// It is over when the row claims nothing any more: what it claimed is gone, or another's, and a row that claims
// something later is told of as a change. errStopping is returned when a stop was begun beside: done is told of its
// end.
func (e *effects) apply(
	ctx context.Context, f verdict.SessionFacts, v verdict.Verdict, done func(error),
) (over bool, err error) {
	log := effectLog(ctx, f, v)
	say := func(text string) bool { return e.tracker.ShouldLog(SessionKey(f.Row.ID), f.Row.Claim, text) }
	leave, err := e.permit.ask(ctx, log, v, say)
	if err != nil {
		return false, err
	}
	defer leave()
	if v.Action == verdict.Stop {
		return false, e.stopper.begin(ctx, log, v.Reason, f.Container.ID, e.policy.StopTimeout.Duration, done)
	}
	if v.Removes() {
		if err := e.ends.write(ctx, logFor(ctx, v).WithValues("container", f.Container.ID), f.Container,
			f.Container.OOMKilled || f.Evidence.OOMKilled); err != nil {
			return false, err
		}
	}
	began := time.Now()
	row, err := e.carryOut(ctx, f, v)
	e.metrics.Effect(v, err)
	if err != nil {
		return false, err
	}
	e.measure(f, v)
	if v.Removes() {
		e.ends.forget(f.Container.ID)
	}
	if over = !row.Claims(); over {
		e.tracker.Forget(SessionKey(row.ID))
	}
	log.Info(sentence(v.Action), "newstatus", row.Status, "newclaim", row.Claim, "took", time.Since(began).String())
	return over, nil
}

// measure notes how long a session that has just been failed was dead, where it is known since when.
func (e *effects) measure(f verdict.SessionFacts, v verdict.Verdict) {
	died := f.DiedAt()
	if (v.Action != verdict.Fail && v.Action != verdict.FailAndRelease) || died.IsZero() {
		return
	}
	if now, err := e.guard.Now(); err == nil {
		e.metrics.DeathToError(now.Sub(died))
	}
}

// carryOut does it and returns the row as it is now.
func (e *effects) carryOut(ctx context.Context, f verdict.SessionFacts, v verdict.Verdict) (sessiondb.Row, error) {
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
func (e *effects) remove(
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

// effectLog returns a logger with what there was before the effect. Keys are the same in every line.
func effectLog(ctx context.Context, f verdict.SessionFacts, v verdict.Verdict) logr.Logger {
	log := withContainer(logFor(ctx, v), f.Container, f.Evidence)
	if f.Owner.OtherSession(f.Row.ID) {
		log = log.WithValues("owner", f.Owner.Session)
	}
	return log.WithValues("status", f.Row.Status, "claim", f.Row.Claim)
}

// logFor returns the logger of a pass with the verdict.
func logFor(ctx context.Context, v verdict.Verdict) logr.Logger {
	return logr.FromContextOrDiscard(ctx).WithValues("action", string(v.Action), "reason", string(v.Reason),
		"rule", v.Rule)
}

// withContainer adds what the look and the events said of the container. Never its labels, environment or command.
func withContainer(log logr.Logger, c dockerwatch.Observation, ev dockerwatch.Evidence) logr.Logger {
	if c.Phase == "" {
		return log
	}
	log = log.WithValues("phase", string(c.Phase))
	if c.ID != "" {
		log = log.WithValues("container", c.ID, "name", c.Name)
	}
	switch {
	case !c.FinishedAt.IsZero() && !c.Phase.Alive():
		log = log.WithValues("exitcode", c.ExitCode, "oom", c.OOMKilled || ev.OOMKilled, "finished", c.FinishedAt)
	case c.Phase == dockerwatch.Gone && ev.Ended():
		log = log.WithValues("oom", ev.OOMKilled, "finished", ev.EndedAt())
		if ev.ExitCode != nil {
			log = log.WithValues("exitcode", *ev.ExitCode)
		}
	}
	return log
}
