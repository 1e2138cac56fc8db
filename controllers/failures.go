package controllers

import (
	"context"
	"errors"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/apply"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// failed ends a pass early.
func (r *reconciler[K, F]) failed(ctx context.Context, key K, out Outcome[F], err error) Outcome[F] {
	out.Err = err
	if ctx.Err() != nil || withheld(err) || errors.Is(err, apply.ErrBusy) {
		return out
	}
	r.logFailure(logr.FromContextOrDiscard(ctx).WithValues(
		"action", string(out.Verdict.Action), "reason", string(out.Verdict.Reason), "rule", out.Verdict.Rule), key, err)
	return out
}

// refusedTries are how often in a row, which takes some five minutes, the engine may refuse what is asked for, or be at
// it: it says so of a container whose removal is already in progress, and that is soon over. One that hangs is to be
// told of.
const refusedTries = 18

// reportStuck logs, once, of a container that the engine is removing and does not get removed.
func (r *reconciler[K, F]) reportStuck(ctx context.Context, key K, v verdict.Verdict) {
	if v.Action != verdict.Retry || v.Reason == verdict.LookFailed || v.Reason == verdict.AwaitingSweep {
		return
	}
	r.backoffs.refused.When(key)
	if r.backoffs.refused.NumRequeues(key) == refusedTries {
		logr.FromContextOrDiscard(ctx).Info("Container removal stuck, waiting for the engine",
			"reason", string(v.Reason))
	}
}

// logFailure logs a failure: once per key and kind of failure, not once per try, and not all of them when there are
// many. An engine or a database that is away, or not to be trusted, is logged by the stream and the sweep, not for
// every key; what the end of the process has broken off is no failure. What the engine refuses is one when it goes on
// doing so.
func (r *reconciler[K, F]) logFailure(log logr.Logger, key K, err error) {
	away := errors.Is(err, dockerwatch.ErrUnreachable) || errors.Is(err, identity.ErrNotTrusted) ||
		errors.Is(err, context.Canceled)
	if errors.Is(err, sessiondb.ErrUnreachable) {
		away = true
		r.requests.Sweep() // the loop of sweeps finds out when the database is back
	}
	refused := errors.Is(err, dockerwatch.ErrRefused)
	if refused {
		r.backoffs.refused.When(key)
		refused = r.backoffs.refused.NumRequeues(key) < refusedTries
	}
	if away || refused || !r.subject.news(key, err.Error()) || !r.failureLog.Allow() {
		log.V(1).Info("Will try again", "error", err.Error())
		return
	}
	log.Error(err, "Reconcile failed, will retry")
}
