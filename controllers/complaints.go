package controllers

import (
	"context"
	"errors"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// failed ends a pass early.
func (r *reconciler[K, F]) failed(ctx context.Context, key K, out Outcome[F], err error) Outcome[F] {
	out.Err = err
	if ctx.Err() != nil || withheld(err) || errors.Is(err, errBusy) {
		return out
	}
	r.complain(logr.FromContextOrDiscard(ctx).WithValues(
		"action", string(out.Verdict.Action), "reason", string(out.Verdict.Reason)), key, err)
	return out
}

// complain logs a failure: once per key and kind of failure, not once per try, and not all of them when there are many.
// An engine or a database that is away, or not to be trusted, is logged by the stream and the sweep, not for every key;
// what the end of the process has broken off is no failure.
func (r *reconciler[K, F]) complain(log logr.Logger, key K, err error) {
	away := errors.Is(err, dockerwatch.ErrUnreachable) || errors.Is(err, errNotTrusted) ||
		errors.Is(err, context.Canceled)
	if errors.Is(err, sessiondb.ErrUnreachable) {
		away = true
		if r.databaseDown != nil {
			r.databaseDown()
		}
	}
	if away || errors.Is(err, dockerwatch.ErrRefused) || !r.subject.news(key, err.Error()) || !r.complaints.Allow() {
		log.V(1).Info("Will try again", "error", err.Error())
		return
	}
	log.Error(err, "It was left as it is and will be tried again")
}
