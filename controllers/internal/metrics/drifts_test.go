package metrics

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

func TestADriftIsCountedOnce(t *testing.T) {
	t.Parallel()
	m, _ := newTestMetrics(t)
	d := NewDrifts(m)
	waits := verdict.Verdict{Action: verdict.Fail, Reason: verdict.ContainerExited, Wait: time.Second}
	due := verdict.Verdict{Action: verdict.Fail, Reason: verdict.ContainerExited}
	follows := verdict.Verdict{Action: verdict.Remove, Reason: verdict.SessionEnded}
	failed := verdict.Verdict{Action: verdict.Retry, Reason: verdict.LookFailed}
	rests := verdict.Verdict{Action: verdict.Nothing}

	for _, v := range []verdict.Verdict{rests, waits, waits, failed, due, follows} {
		d.Judged(verdict.KindSession, "s1", v)
	}
	if open := d.Open(); len(open) != 1 || open[verdict.ContainerExited] != 1 {
		t.Errorf("open are %v, want the one of ContainerExited", open)
	}
	d.Judged(verdict.KindSession, "s1", rests)
	d.Judged(verdict.KindSession, "s1", rests)
	// Another key, held by a guard.
	d.Judged(verdict.KindContainer, "s1", verdict.Verdict{Action: verdict.Hold, Reason: verdict.BreakerTripped})
	for _, tt := range []struct {
		reason verdict.Reason
		want   [3]float64
	}{
		{verdict.ContainerExited, [3]float64{1, 1, 0}},
		{verdict.BreakerTripped, [3]float64{1, 0, 1}},
		{verdict.SessionEnded, [3]float64{}},
	} {
		reason, want := tt.reason, tt.want
		got := [3]float64{
			testutil.ToFloat64(m.found.WithLabelValues(string(reason))),
			testutil.ToFloat64(m.converged.WithLabelValues(string(reason))),
			testutil.ToFloat64(m.open.WithLabelValues(string(reason))),
		}
		if got != want {
			t.Errorf("%s: found, converged and open are %v, want %v", reason, got, want)
		}
	}
}

func TestAContainerIsAdriftWhenItsGraceIsOver(t *testing.T) {
	t.Parallel()
	m, _ := newTestMetrics(t)
	d := NewDrifts(m)
	young := verdict.Verdict{Action: verdict.Stop, Reason: verdict.ContainerLeaked, Wait: time.Minute}
	held := verdict.Verdict{Action: verdict.Hold, Reason: verdict.BreakerTripped}
	want := func(when string, n float64) {
		t.Helper()
		got := 0.0
		for _, reason := range []verdict.Reason{verdict.ContainerLeaked, verdict.BreakerTripped} {
			got += testutil.ToFloat64(m.open.WithLabelValues(string(reason)))
		}
		if got != n {
			t.Errorf("%s: %v are adrift, want %v", when, got, n)
		}
	}
	d.Judged(verdict.KindContainer, "c1", young)
	want("its server is about to save the claim", 0)
	d.Judged(verdict.KindContainer, "c1", held)
	want("a guard holds it", 1)
	d.Judged(verdict.KindContainer, "c1", young)
	want("the guard has let go of it", 1)

	d.Judged(verdict.KindContainer, "c2", held)
	d.Judged(verdict.KindSession, "c1", verdict.Verdict{Action: verdict.Stop, Reason: verdict.SessionEnded})
	open := d.Unclaimed()
	d.Judged(verdict.KindContainer, "c3", held)
	delete(open, "c2") // the sweep has met it
	d.Claimed(open)
	want("a sweep has met one, and one was found meanwhile", 2)
	if got := testutil.ToFloat64(m.converged.WithLabelValues(string(verdict.BreakerTripped))); got != 1 {
		t.Errorf("%v have come to an end, want 1", got)
	}
}

func TestACrashLoopIsShownWhileItLasts(t *testing.T) {
	t.Parallel()
	m, _ := newTestMetrics(t)
	d := NewDrifts(m)
	want := func(n float64) {
		t.Helper()
		if got := testutil.ToFloat64(m.looping); got != n {
			t.Errorf("%v crash loops, want %v", got, n)
		}
	}
	loops := verdict.Verdict{Action: verdict.Report, Reason: verdict.ContainerLooping}
	d.Judged(verdict.KindSession, "s1", loops)
	d.Judged(verdict.KindSession, "s2", loops)
	d.Judged(verdict.KindSession, "s1", loops)
	want(2)
	// Nothing is known.
	d.Judged(verdict.KindSession, "s1", verdict.Verdict{Action: verdict.Retry, Reason: verdict.LookFailed})
	want(2)
	d.Judged(verdict.KindSession, "s1", verdict.Verdict{Action: verdict.Nothing})
	want(1)
}
