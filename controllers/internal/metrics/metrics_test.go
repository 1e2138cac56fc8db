package metrics

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func newTestMetrics(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	m, err := New(registry, []string{"ACTIVE", "ERROR"})
	if err != nil {
		t.Fatal(err)
	}
	return m, registry
}

// A rate is only known from the second value of a series on, so every one must be there from the start.
func TestEveryFamilyIsInTheFirstScrape(t *testing.T) {
	t.Parallel()
	m, registry := newTestMetrics(t)
	m.Build("v1", "abc", "go1")
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	described := make(chan *prometheus.Desc, 1000)
	registry.Describe(described)
	close(described)
	want := map[string]bool{}
	for d := range described {
		want[d.String()] = true
	}
	if len(families) != len(want) || len(families) < 30 {
		t.Errorf("%d families of %d are in the first scrape", len(families), len(want))
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), prefix) {
			t.Errorf("%s lacks the prefix", f.GetName())
		}
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestAnEffectThatSomebodyElseHadIsNotCounted(t *testing.T) {
	t.Parallel()
	m, _ := newTestMetrics(t)
	remove := verdict.Verdict{Action: verdict.Remove, Reason: verdict.SessionEnded}
	m.Effect(remove, nil)
	m.Effect(remove, errors.New("refused"))
	m.Effect(remove, dockerwatch.ErrNotThere)
	for result, want := range map[string]float64{resultDone: 1, resultFailed: 1} {
		series := m.effects.WithLabelValues(string(remove.Action), string(remove.Reason), result)
		if got := testutil.ToFloat64(series); got != want {
			t.Errorf("%v %s, want %v", got, result, want)
		}
	}
}

func TestASweepIsShownByItsCounts(t *testing.T) {
	t.Parallel()
	m, registry := newTestMetrics(t)
	began := time.Now().Add(-time.Hour)
	m.sweeps.last.Store(&began)
	if age := valueOf(t, registry, "last_sweep_age_seconds"); age < 3600 {
		t.Errorf("before a sweep its age is %v s", age)
	}
	m.SweepFailed()
	if age := valueOf(t, registry, "last_sweep_age_seconds"); age < 3600 {
		t.Errorf("after one that failed the age is %v s", age)
	}
	m.Swept(Sweep{UnknownStatus: 2, Statuses: map[string]int{"ACTIVE": 3, "SURPRISE": 1}, Owned: 4, Took: time.Second})
	for name, want := range map[string]float64{
		"sweep_failures_total": 1, "sessions_unknown_status": 2, "containers_owned": 4, "last_sweep_duration_seconds": 1,
	} {
		if got := valueOf(t, registry, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if age := valueOf(t, registry, "last_sweep_age_seconds"); age > 60 {
		t.Errorf("after a sweep its age is %v s", age)
	}
	if n := testutil.CollectAndCount(m.sweeps.sessions); n != 2 {
		t.Errorf("%d statuses have a series, want the two that are configured", n)
	}
}

// valueOf is the value of a family with one series.
func valueOf(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != prefix+name {
			continue
		}
		series := f.GetMetric()[0]
		if series.GetCounter() != nil {
			return series.GetCounter().GetValue()
		}
		return series.GetGauge().GetValue()
	}
	t.Fatalf("there is no %s", name)
	return 0
}

// Whoever loses a race has not failed: nobody is to be woken for it.
func TestWhatSomebodyElseDidFirstIsNoFailure(t *testing.T) {
	t.Parallel()
	m, _ := newTestMetrics(t)
	v := verdict.Verdict{Action: verdict.Remove, Reason: verdict.SessionEnded}
	for _, err := range []error{sessiondb.ErrConflict, dockerwatch.ErrRefused, dockerwatch.ErrNotThere} {
		m.Effect(v, fmt.Errorf("remove it: %w", err))
	}
	failed := m.effects.WithLabelValues(string(v.Action), string(v.Reason), resultFailed)
	if n := testutil.ToFloat64(failed); n != 0 {
		t.Errorf("%v failures are counted", n)
	}
	m.Effect(v, errors.New("the disk is full"))
	if n := testutil.ToFloat64(failed); n != 1 {
		t.Errorf("%v failures are counted, want one", n)
	}
}
