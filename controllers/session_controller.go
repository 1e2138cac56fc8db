package controllers

import (
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

const (
	// passLimit bounds the effects of one pass. The longest ordinary one is fail, remove; with a pin and two lost races it
	// is still under it. What is left comes with the next pass.
	passLimit = 8

	// Backoff of a key: doubling from backoffBase. While the engine is away it is capped low, so that everything converges
	// about a second after its return; otherwise a key that fails for a reason of its own costs a look every half minute.
	backoffBase    = 100 * time.Millisecond
	backoffCap     = 30 * time.Second
	backoffCapDown = time.Second
	// backoffCapBusy is for keys that wait for one of the stops to end; the usual one takes well under a second.
	backoffCapBusy = 5 * time.Second

	// Of the failures of single sessions some are logged at once and then one a second: ten thousand that fail for one
	// reason are one piece of news. All are logged at debug level.
	failuresLoggedAtOnce = 10
	failuresLoggedEvery  = time.Second
)

// Outcome is how one pass over a session ended.
type Outcome struct {
	// Facts and Verdict are the last looks of the pass and what was decided on them.
	Facts   Facts
	Verdict Verdict
	// Effects is how many effects were carried out in this pass.
	Effects int
	// Stopping says that the container is being stopped beside the workers; its end puts the key back.
	Stopping bool
	// Err is why the pass ended early; nil when it did not. The key must be tried again after a backoff.
	Err error
}

// SessionReconciler is the session controller: it takes one session from wherever it is to where it should be, one
// effect at a time, each decided on fresh looks. It is safe for concurrent use, one pass per key at a time.
type SessionReconciler struct {
	looker  *looker
	effects *effects
	policy  Policy
	// requeue puts the key of an ended stop back after a wait.
	requeue func(key SessionKey, after time.Duration)
	// databaseDown is told when a row could not be read or written because the database is away. Nil: nobody is.
	databaseDown func()
	backoff      workqueue.TypedRateLimiter[SessionKey]
	// news bounds the failures that are logged.
	news *rate.Limiter
	log  logr.Logger
}

// Reconcile makes one pass and says when to come again. It returns no error: a failure is logged here, once, and the
// wait before the next try follows what failed.
func (r *SessionReconciler) Reconcile(ctx context.Context, key SessionKey) (reconcile.Result, error) {
	out := r.pass(ctx, key)
	return reconcile.Result{RequeueAfter: r.again(ctx, key, out)}, nil
}

// again is how long to wait for the next pass; 0 means until something happens.
func (r *SessionReconciler) again(ctx context.Context, key SessionKey, out Outcome) time.Duration {
	switch {
	case ctx.Err() != nil, out.Stopping, errors.Is(out.Err, errDryRun):
		return 0
	case errors.Is(out.Err, dockerwatch.ErrUnreachable):
		return min(r.backoff.When(key), backoffCapDown)
	case errors.Is(out.Err, errBusy):
		return min(r.backoff.When(key), backoffCapBusy)
	case out.Err != nil || out.Verdict.Action == Retry:
		return r.backoff.When(key)
	default:
		r.backoff.Forget(key)
		return out.Verdict.Wait
	}
}

// stopEnded puts the key of a stop back: at once the first time, after a backoff when the stop failed or the container
// is being stopped again and again.
func (r *SessionReconciler) stopEnded(key SessionKey, err error) {
	again := r.backoff.NumRequeues(key) > 0
	wait := r.backoff.When(key)
	if err == nil && !again {
		wait = 0
	}
	if err != nil {
		r.complain(r.log.WithValues("session", string(key), "action", string(Stop)), key, err)
	}
	r.requeue(key, wait)
}

// pass looks, decides and acts until there is nothing to do now.
func (r *SessionReconciler) pass(ctx context.Context, key SessionKey) Outcome {
	ctx = logr.NewContext(ctx, r.log.WithValues("session", string(key)))
	var out Outcome
	failedFor := ReasonNone
	for range passLimit {
		var err error
		out.Facts, err = r.looker.look(ctx, key)
		if retryNow(err) {
			continue
		}
		out.Verdict = Decide(r.policy, out.Facts)
		if out.Verdict.Reason == SessionEnded && failedFor != ReasonNone {
			out.Verdict.Reason = failedFor // what follows a failure in the same pass says why it happened
		}
		if err != nil {
			return r.failed(ctx, key, out, err)
		}
		if !out.Verdict.Due() {
			r.report(ctx, key, out)
			return out
		}
		err = r.effects.apply(ctx, out.Facts, out.Verdict)
		switch {
		case err == nil:
			out.Effects++
			if out.Verdict.Action == Fail {
				failedFor = out.Verdict.Reason
			}
		case errors.Is(err, errStopping):
			out.Stopping = true
			return out
		case !retryNow(err):
			return r.failed(ctx, key, out, err)
		}
	}
	return r.failed(ctx, key, out, errors.New("the session keeps changing while it is looked at, it will be tried again"))
}

// failed ends a pass early.
func (r *SessionReconciler) failed(ctx context.Context, key SessionKey, out Outcome, err error) Outcome {
	out.Err = err
	if ctx.Err() != nil || errors.Is(err, errDryRun) || errors.Is(err, errBusy) {
		return out
	}
	r.complain(logr.FromContextOrDiscard(ctx).WithValues(
		"action", string(out.Verdict.Action), "reason", string(out.Verdict.Reason)), key, err)
	return out
}

// complain logs a failure: once per session and kind of failure, not once per try, and not all of them when there are
// many. An engine or a database that is away is logged by the stream and the sweep, not by every session.
func (r *SessionReconciler) complain(log logr.Logger, key SessionKey, err error) {
	away := errors.Is(err, dockerwatch.ErrUnreachable)
	if errors.Is(err, sessiondb.ErrUnreachable) {
		away = true
		if r.databaseDown != nil {
			r.databaseDown()
		}
	}
	if away || errors.Is(err, dockerwatch.ErrRefused) || !r.looker.memory.complain(key, err.Error()) || !r.news.Allow() {
		log.V(1).Info("Will try again", "error", err.Error())
		return
	}
	log.Error(err, "Session was left as it is, it will be tried again")
}

// report tells what is only told: claims that name nothing, containers that are not ours, crash loops. Once, not at
// every look.
func (r *SessionReconciler) report(ctx context.Context, key SessionKey, out Outcome) {
	v := out.Verdict
	if v.Action != Report && v.Action != Hold {
		return
	}
	if r.looker.memory.say(key, out.Facts.Row.Claim, said(v.Reason)) {
		effectLog(ctx, out.Facts, v).Info(advice(v.Reason))
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
	case ReasonNone, LookFailed, NeverStarted, ContainerExited, ContainerOOMKilled, ContainerGone,
		ContainerShared, SessionEnded:
	}
	return "Reported"
}
