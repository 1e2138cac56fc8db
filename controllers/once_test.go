package controllers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/controllers/internal/apply"
	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

func TestWhatIsOpenWhenTheTimeIsOverIsSortedByWhatItIs(t *testing.T) {
	t.Parallel()
	due := verdict.Verdict{Action: verdict.Stop, Reason: verdict.SessionEnded}
	tests := []struct {
		reason string
		open   SessionOutcome
		want   [3]int // pending, left, failed
	}{
		{
			"a grace that is not over is pending",
			SessionOutcome{Verdict: verdict.Verdict{Action: verdict.Fail, Wait: time.Hour}}, [3]int{1, 0, 0},
		},
		{"a stop under way is left", SessionOutcome{Verdict: due, Stopping: true}, [3]int{0, 1, 0}},
		{"a stop that waits for its turn is left", SessionOutcome{Verdict: due, Err: apply.ErrBusy}, [3]int{0, 1, 0}},
		{"a removal that the engine refuses for now is left", SessionOutcome{Err: dockerwatch.ErrRefused}, [3]int{0, 1, 0}},
		{"a session that was never reached is left", SessionOutcome{}, [3]int{0, 1, 0}},
		{"what could not be looked at has failed", SessionOutcome{Err: errors.New("odd")}, [3]int{0, 0, 1}},
	}
	for _, tt := range tests {
		s := &once{}
		l := newLane(s, 1, func(keyQueue[verdict.SessionKey]) *sessionReconciler {
			return &sessionReconciler{kind: verdict.KindSession}
		})
		l.open["s1"] = tt.open
		l.reportOpen()
		got := [3]int{len(s.report.Pending), len(s.report.Left), len(s.report.Failed)}
		for _, item := range slices.Concat(s.report.Pending, s.report.Left, s.report.Failed) {
			if item.Session != "s1" {
				t.Errorf("%s: %+v does not name the session", tt.reason, item)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
		}
	}
}

// When to look once more is not when the grace is over.
func TestWhatWaitsBeyondTheEndIsPendingAtOnce(t *testing.T) {
	t.Parallel()
	s := &once{settled: make(chan struct{}), until: time.Now().Add(115 * time.Second)}
	l := newLane(s, 1, func(keyQueue[verdict.SessionKey]) *sessionReconciler {
		return &sessionReconciler{kind: verdict.KindSession}
	})
	out := SessionOutcome{Verdict: verdict.Verdict{Action: verdict.Stop, Wait: 2 * time.Minute, Again: 110 * time.Second}}
	if l.stays("s1", out, out.Verdict.Again) || len(s.report.Pending) != 1 {
		t.Errorf("it is waited for, and reported are %v", s.report.Pending)
	}
}

// A look can ask for a sweep, and its key be settled by another look before that is made.
func TestASweepThatNoKeyWaitsForAnyMoreIsNotMade(t *testing.T) {
	t.Parallel()
	s := &once{settled: make(chan struct{})}
	close(s.settled)
	s.sweepBeside(t.Context()) // it has nothing to sweep with
}

// A key can be put back twice: after its backoff, and because its turn in the slow lane has come.
func TestAKeyThatIsFinishedIsNotLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := &once{core: &core{}, settled: make(chan struct{}), until: time.Now().Add(time.Minute)}
	looks := make(chan verdict.SessionKey, 2)
	l := newLane(s, 1, func(queue keyQueue[verdict.SessionKey]) *sessionReconciler {
		subject := counted{newSubject(), looks}
		return newReconciler(verdict.KindSession, subject, newSlowLane[verdict.SessionKey](1), backoffCap, queue,
			newPassRecorder(nil), requests.New(),
			logr.Discard())
	})
	_ = l.fresh(t.Context(), "s1")
	var workers sync.WaitGroup
	l.start(t.Context(), &workers)
	<-s.settled
	l.stopEnded("s1", 0)
	l.stopEnded("last", 0) // not open either, and behind it
	l.shutDown()
	workers.Wait()
	if len(looks) != 1 {
		t.Errorf("looked %d times, want once", len(looks))
	}
}

// counted are looks that find nothing to do.
type counted struct {
	*sessionSubject

	looks chan verdict.SessionKey
}

func (c counted) look(_ context.Context, key verdict.SessionKey) (verdict.SessionFacts, error) {
	c.looks <- key
	return verdict.SessionFacts{}, nil
}
