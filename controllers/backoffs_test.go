package controllers

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"golang.org/x/time/rate"

	"github.com/session-controller/session-controller/controllers/internal/apply"
	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/pause"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

func TestAFailedPassIsTriedAgainWithinItsCap(t *testing.T) {
	t.Parallel()
	odd := errors.New("odd")
	down := fmt.Errorf("inspect: %w", dockerwatch.ErrUnreachable)
	tests := []struct {
		reason string
		out    SessionOutcome
		tries  int
		most   time.Duration
		least  time.Duration
	}{
		{"the first retry is quick", SessionOutcome{Err: odd}, 1, backoffBase, backoffBase},
		{"a key that keeps failing costs a look every half minute", SessionOutcome{Err: odd}, 30, backoffCap, backoffCap},
		{"while the engine is away everybody stays close", SessionOutcome{Err: down}, 30, backoffCapDown, backoffCapDown},
		{
			"what is being removed is looked at again",
			SessionOutcome{Verdict: verdict.Verdict{Action: verdict.Retry}}, 1, backoffBase, 1,
		},
		{"a stop puts its key back itself", SessionOutcome{Stopping: true}, 1, 0, 0},
		{
			"what may not be changed is looked at now and then",
			SessionOutcome{Err: apply.ErrDryRun}, 9, time.Minute, time.Minute,
		},
		{"the same while an operator has paused", SessionOutcome{Err: pause.ErrPaused}, 9, time.Minute, time.Minute},
		{
			"a grace is waited for", SessionOutcome{Verdict: verdict.Verdict{Action: verdict.Fail, Wait: time.Minute}}, 1,
			time.Minute, time.Minute,
		},
		{"a healthy session is left until something happens", SessionOutcome{}, 1, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			r := &reconciler[verdict.SessionKey, verdict.SessionFacts]{
				backoffs: newBackoffs[verdict.SessionKey](backoffCap),
			}
			var wait time.Duration
			for range tt.tries {
				wait = r.requeueAfter(t.Context(), "s1", tt.out)
			}
			if wait < tt.least || wait > tt.most {
				t.Errorf("%s: waits %s, want %s to %s", tt.reason, wait, tt.least, tt.most)
			}
		})
	}
}

func TestAPassThatSucceedsForgetsItsFailures(t *testing.T) {
	t.Parallel()
	r := &reconciler[verdict.SessionKey, verdict.SessionFacts]{
		backoffs: newBackoffs[verdict.SessionKey](backoffCap),
	}
	for range 10 {
		r.requeueAfter(t.Context(), "s1", SessionOutcome{Err: errors.New("odd")})
	}
	r.requeueAfter(t.Context(), "s1", SessionOutcome{})
	if wait := r.requeueAfter(t.Context(), "s1", SessionOutcome{Err: errors.New("odd")}); wait != backoffBase {
		t.Errorf("waits %s after a success, want %s", wait, backoffBase)
	}
}

func TestAStopThatFailsIsNotTriedAtOnce(t *testing.T) {
	t.Parallel()
	var waits []time.Duration
	r := &reconciler[verdict.SessionKey, verdict.SessionFacts]{
		backoffs: newBackoffs[verdict.SessionKey](backoffCap),
		queue:    takesWaits{noQueue{}, &waits},
		subject:  newSubject(),

		failureLog: rate.NewLimiter(1, 1),
	}
	r.stopEnded("s1", nil)
	r.stopEnded("s1", nil) // the container is being stopped again: it came back to life
	r.stopEnded("s1", errors.New("permission denied"))
	for range 20 {
		r.stopEnded("s2", errors.New("permission denied"))
	}
	if waits[0] != 0 || waits[1] == 0 || waits[2] <= waits[1] || waits[len(waits)-1] != backoffCap {
		t.Errorf("waits %v, want none after the first stop that succeeds and more each time otherwise", waits)
	}
}

// Somebody else removes it: that is soon over, or hangs.
func TestARefusalIsToldOfWhenItGoesOn(t *testing.T) {
	t.Parallel()
	lines := 0
	log := funcr.New(func(string, string) { lines++ }, funcr.Options{})
	known := evidence.NewSessionTracker()
	known.ShouldLog("s1", "c1", "something else")
	r := &reconciler[verdict.SessionKey, verdict.SessionFacts]{
		backoffs: newBackoffs[verdict.SessionKey](backoffCap), subject: &sessionSubject{tracker: known},
		failureLog: rate.NewLimiter(rate.Inf, 1),
	}
	refused := SessionOutcome{Err: fmt.Errorf("remove: %w: removal is already in progress", dockerwatch.ErrRefused)}
	removing := SessionOutcome{Verdict: verdict.Verdict{Action: verdict.Retry, Reason: verdict.SessionEnded}}
	ctx := logr.NewContext(t.Context(), log)
	var waited time.Duration
	for lines == 0 && waited < time.Hour {
		r.logFailure(log, "s1", refused.Err)
		waited += r.requeueAfter(ctx, "s1", refused)
	}
	if waited < 4*time.Minute || waited > 8*time.Minute {
		t.Errorf("it is told of after %s, want some five minutes", waited)
	}
	for range 50 {
		r.logFailure(log, "s1", refused.Err)
		r.requeueAfter(ctx, "s1", refused)
		r.requeueAfter(ctx, "s1", SessionOutcome{Stopping: true}) // which is refused, too
	}
	if lines != 1 {
		t.Errorf("it is told of %d times, want once", lines)
	}
	lines = 0
	for range 50 {
		r.reportStuck(ctx, "s2", removing.Verdict)
		r.reportStuck(ctx, "s2", verdict.Verdict{Action: verdict.Nothing})
		r.requeueAfter(ctx, "s2", removing)
	}
	if lines != 1 {
		t.Errorf("of a removal that hangs it is told %d times, want once", lines)
	}
}

// The stops of others that a key had to wait for are none of its own.
func TestAStopThatHadToWaitForOthersPutsItsKeyBackAtOnce(t *testing.T) {
	t.Parallel()
	var waits []time.Duration
	r := &reconciler[verdict.SessionKey, verdict.SessionFacts]{
		backoffs: newBackoffs[verdict.SessionKey](backoffCap),
		queue:    takesWaits{noQueue{}, &waits},
	}
	for range 10 {
		if wait := r.requeueAfter(t.Context(), "s1", SessionOutcome{Err: apply.ErrBusy}); wait > backoffCapBusy {
			t.Errorf("waits %s for the stops of others", wait)
		}
	}
	r.requeueAfter(t.Context(), "s1", SessionOutcome{Stopping: true})
	r.stopEnded("s1", nil)
	if waits[0] != 0 {
		t.Errorf("comes back %s after its container has stopped, want at once", waits[0])
	}
	if wait := r.requeueAfter(t.Context(), "s1", SessionOutcome{Err: apply.ErrBusy}); wait != backoffBase {
		t.Errorf("waits %s for the stops of others once more, want %s", wait, backoffBase)
	}
}

func TestNothingIsTriedAgainWhileTheProcessEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &reconciler[verdict.SessionKey, verdict.SessionFacts]{
		backoffs: newBackoffs[verdict.SessionKey](backoffCap),
	}
	if wait := r.requeueAfter(ctx, "s1", SessionOutcome{Err: context.Canceled}); wait != 0 {
		t.Errorf("waits %s", wait)
	}
}

func TestNothingThatFailsWaitsLongerThanMaxBackoff(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason    string
		set, want time.Duration
	}{
		{"production leaves it out", 0, 30 * time.Second},
		{"a shorter one holds for sessions, containers and sweeps", 2 * time.Second, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			c := newCore(Options{MaxBackoff: tt.set, Workers: 1, Log: logr.Discard()})
			sessions, containers := c.sessionReconciler(nil, nil), c.containerReconciler(nil)
			odd := errors.New("odd")
			var session, container time.Duration
			for range 30 {
				session = sessions.requeueAfter(t.Context(), "s1", SessionOutcome{Err: odd})
				container = containers.requeueAfter(t.Context(), "c1", Outcome[verdict.ContainerFacts]{Err: odd})
			}
			if session != tt.want || container != tt.want {
				t.Errorf("a session waits %s and a container %s, want %s", session, container, tt.want)
			}
			if limit := retryLimit(odd, c.MaxBackoff); limit != tt.want {
				t.Errorf("a sweep waits for up to %s, want %s", limit, tt.want)
			}
		})
	}
}
