package controllers

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/session-controller/session-controller/controllers/internal/apply"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/pause"
	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

const (
	// passLimit bounds the effects of one pass. The longest ordinary one is fail, remove; with a pin and two lost races it
	// is still under it. What is left comes with the next pass.
	passLimit = 8

	// Of the failures of single keys some are logged at once and then one a second: ten thousand that fail for one
	// reason are one piece of news. All are logged at debug level.
	failuresLoggedAtOnce = 10
	failuresLoggedEvery  = time.Second
)

// looks are the fresh looks that one verdict is made from.
type looks interface {
	// Intent says in a word or two what would become of it, all effects taken together: what a verdict begins, the next
	// looks finish.
	Intent(v verdict.Verdict) string
	// Subject names what was looked at, for people: the session and its container; empty where one is not known.
	Subject() (session, container string)
}

// Outcome is how one pass over a key ended.
type Outcome[F looks] struct {
	// Facts and Verdict are the last looks of the pass and what was decided on them.
	Facts   F
	Verdict verdict.Verdict
	// Effects is how many effects were carried out in this pass.
	Effects int
	// Stopping says that the container is being stopped beside the workers; its end puts the key back.
	Stopping bool
	// Err is why the pass ended early; nil when it did not. The key must be tried again after a backoff.
	Err error
}

// Intent says in a word or two what would become of it.
func (o Outcome[F]) Intent() string { return o.Facts.Intent(o.Verdict) }

// subject is one of the two directions: what is looked at for a key, what is decided on it and how that is done.
type subject[K ~string, F looks] interface {
	// look takes the fresh looks and changes nothing. An error of the engine is a fact as well as the returned error, so
	// that what is known can be shown.
	look(ctx context.Context, key K) (F, error)
	// record notes what a look saw, for the looks that follow. The error is ctx's, when it ends first.
	record(ctx context.Context, key K, f F) error
	// decide is pure.
	decide(f F) verdict.Verdict
	// Apply carries out one verdict. done says that nothing can be due of the key after it, so that it needs no further
	// look. stopped is called when a stop that was begun beside has ended.
	Apply(ctx context.Context, f F, v verdict.Verdict, stopped func(error)) (done bool, err error)
	// Report logs, once, what is only reported.
	Report(ctx context.Context, f F, v verdict.Verdict)
	// news reports whether a failure has not been told of this key just before.
	news(key K, text string) bool
}

// keyQueue is the way back into the queue that a key came from.
type keyQueue[K ~string] interface {
	// stopEnded puts the key of an ended stop back after a wait.
	stopEnded(key K, after time.Duration)
	// fresh puts a key in at once; the error is ctx's, when it ends first.
	fresh(ctx context.Context, key K) error
}

// reconciler takes one key from wherever it is to where it should be, one effect at a time, each decided on fresh
// looks. It is safe for concurrent use, one pass per key at a time.
type reconciler[K ~string, F looks] struct {
	// kind is the log key of the keys.
	kind    string
	subject subject[K, F]
	queue   keyQueue[K]
	// requests is asked for a sweep when a row could not be read or written because the database is away.
	requests *requests.Requests
	backoffs backoffs[K]
	slow     *slowLane[K]
	record   passRecorder
	// failureLog bounds the failures that are logged.
	failureLog *rate.Limiter
	log        logr.Logger
}

// newReconciler returns a reconciler of a subject. A key that keeps failing waits maxBackoff at most.
func newReconciler[K ~string, F looks](
	kind string, s subject[K, F], slow *slowLane[K], maxBackoff time.Duration, queue keyQueue[K],
	record passRecorder, r *requests.Requests, log logr.Logger,
) *reconciler[K, F] {
	return &reconciler[K, F]{
		kind: kind, subject: s, queue: queue, record: record, requests: r, log: log,
		backoffs:   newBackoffs[K](maxBackoff),
		slow:       slow,
		failureLog: rate.NewLimiter(rate.Every(failuresLoggedEvery), failuresLoggedAtOnce),
	}
}

// Reconcile makes one pass and says when to come again. It returns no error: a failure is logged here, once, and the
// wait before the next try follows what failed.
func (r *reconciler[K, F]) Reconcile(ctx context.Context, key K) (reconcile.Result, error) {
	out := r.pass(ctx, key)
	return reconcile.Result{RequeueAfter: r.requeueAfter(ctx, key, out)}, nil
}

// requeueAfter is how long to wait for the next pass; 0 means until something happens.
func (r *reconciler[K, F]) requeueAfter(ctx context.Context, key K, out Outcome[F]) time.Duration {
	switch {
	case ctx.Err() != nil:
		return 0
	case withheld(out.Err):
		return sweepWait
	case out.Err == nil && out.Verdict.Reason == verdict.AwaitingSweep:
		r.backoffs.worked(key)
		return sweepWait
	case out.Stopping:
		r.backoffs.worked(key)
		return 0
	case errors.Is(out.Err, dockerwatch.ErrUnreachable), errors.Is(out.Err, identity.ErrNotTrusted):
		return min(r.backoffs.failures.When(key), backoffCapDown)
	case errors.Is(out.Err, apply.ErrBusy):
		return min(r.backoffs.busy.When(key), backoffCapBusy)
	case out.Err != nil || out.Verdict.Action == verdict.Retry:
		return r.backoffs.failures.When(key)
	default:
		r.backoffs.done(key)
		return cmp.Or(out.Verdict.Again, out.Verdict.Wait)
	}
}

// sweepWait is when to look again at what waits for a sweep, or may not be changed, to see whether it is still adrift.
// A sweep that finds it so brings it earlier.
const sweepWait = time.Minute

// withheld reports whether an effect was not carried out because nothing may be changed.
func withheld(err error) bool {
	return errors.Is(err, apply.ErrDryRun) || errors.Is(err, pause.ErrPaused)
}

// stopEnded puts the key of a stop back: at once the first time, after a backoff when the stop failed or the container
// is being stopped again and again.
func (r *reconciler[K, F]) stopEnded(key K, err error) {
	again := r.backoffs.stops.NumRequeues(key) > 0
	wait := r.backoffs.stops.When(key)
	if err == nil {
		r.backoffs.refused.Forget(key)
	}
	if err == nil && !again {
		wait = 0
	}
	if err != nil {
		r.logFailure(r.log.WithValues(r.kind, string(key), "action", string(verdict.Stop)), key, err)
	}
	r.queue.stopEnded(key, wait)
}

// pass looks, decides and acts until there is nothing to do now.
func (r *reconciler[K, F]) pass(ctx context.Context, key K) Outcome[F] {
	release, ok := r.slow.enter(key)
	if !ok {
		return Outcome[F]{Verdict: verdict.Verdict{Action: verdict.Retry, Reason: verdict.LookFailed}, Err: errSlowLaneFull}
	}
	end := r.record.steps.begin(r.kind, string(key))
	defer end()
	out := r.converge(logr.NewContext(ctx, r.log.WithValues(r.kind, string(key))), key)
	for _, next := range release(errors.Is(out.Err, dockerwatch.ErrTimeout)) {
		if r.queue.fresh(ctx, next) != nil {
			break
		}
	}
	return out
}

// converge is the loop of one pass: look, record, decide, one effect, look again.
func (r *reconciler[K, F]) converge(ctx context.Context, key K) Outcome[F] {
	var out Outcome[F]
	failedFor := verdict.ReasonNone
	for range passLimit {
		var err error
		out.Facts, err = r.look(ctx, key)
		if retryNow(err) {
			continue
		}
		out.Verdict = r.subject.decide(out.Facts)
		if out.Verdict.Reason == verdict.SessionEnded && failedFor != verdict.ReasonNone {
			out.Verdict.Reason = failedFor // what follows a failure in the same pass says why it happened
		}
		if err != nil {
			return r.failed(ctx, key, out, err)
		}
		r.record.drifts.Judged(r.kind, string(key), out.Verdict)
		if !out.Verdict.Due() {
			r.rest(ctx, out)
			r.reportStuck(ctx, key, out.Verdict)
			return out
		}
		done, err := r.subject.Apply(ctx, out.Facts, out.Verdict, func(err error) { r.stopEnded(key, err) })
		switch {
		case err == nil:
			out.Effects++
			if done {
				out.Verdict = verdict.Verdict{Action: verdict.Nothing}
				r.record.drifts.Judged(r.kind, string(key), out.Verdict)
				return out
			}
			if out.Verdict.Action == verdict.Fail {
				failedFor = out.Verdict.Reason
			}
		case errors.Is(err, apply.ErrStopping):
			out.Stopping = true
			return out
		case !retryNow(err):
			return r.failed(ctx, key, out, err)
		}
	}
	return r.failed(ctx, key, out, errKeepsChanging)
}

// look looks at a key and records what was seen.
func (r *reconciler[K, F]) look(ctx context.Context, key K) (F, error) {
	f, err := r.subject.look(ctx, key)
	return f, errors.Join(err, r.subject.record(ctx, key, f))
}

// rest ends a pass that has nothing to do now: it asks for a sweep where the verdict waits for one.
func (r *reconciler[K, F]) rest(ctx context.Context, out Outcome[F]) {
	r.subject.Report(ctx, out.Facts, out.Verdict)
	log := logr.FromContextOrDiscard(ctx).V(1)
	switch {
	case out.Verdict.Reason == verdict.AwaitingSweep:
		log.Info("Waiting for the next sweep's counts", "rule", out.Verdict.Rule)
		r.requests.Sweep()
	case out.Verdict.Drift():
		log.Info("Waiting for grace period", "will", string(out.Verdict.Action),
			"reason", string(out.Verdict.Reason), "rule", out.Verdict.Rule, "wait", out.Verdict.Wait.String())
	}
}

var errKeepsChanging = errors.New("it keeps changing while it is looked at, it will be tried again")

// retryNow reports whether an error only means that the row or container changed meanwhile: look again at once.
func retryNow(err error) bool {
	return errors.Is(err, sessiondb.ErrConflict) || errors.Is(err, dockerwatch.ErrNotThere)
}
