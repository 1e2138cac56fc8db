package pause

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// pauses are records that a test writes.
type pauses struct {
	mu    sync.Mutex
	pause sessiondb.Pause
	err   error
	reads int
}

func (p *pauses) Paused(context.Context) (sessiondb.Pause, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	return p.pause, p.err
}

func (p *pauses) set(pause sessiondb.Pause, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pause, p.err = pause, err
}

func newTestGate(records Records, m *metrics.Metrics) *Gate {
	return New(records, m, requests.New(), logr.Discard())
}

func TestAPauseStopsEffectsUntilItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		m, err := metrics.New(registry, nil)
		if err != nil {
			t.Fatal(err)
		}
		records := &pauses{}
		gate := newTestGate(records, m)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = gate.Run(ctx) }()
		away := errors.New("the database is away")
		want := func(paused, ended bool, why error) {
			t.Helper()
			synctest.Wait()
			if err := gate.Check(ctx); (err != nil) != paused || paused && !errors.Is(err, why) {
				t.Errorf("the gate says %v, paused should be %t", err, paused)
			}
			if got := gauge(t, registry, "session_controller_paused"); (got == 1) != paused {
				t.Errorf("the metric is %v", got)
			}
			if got := taken(gate.requests.Sweeps()); got != ended {
				t.Errorf("a sweep is asked for: %t, want %t", got, ended)
			}
		}
		want(false, false, nil)
		minute := sessiondb.Pause{Until: time.Now().Add(time.Minute), By: "somebody", Reason: "why"}
		records.set(minute, nil)
		<-time.After(3 * time.Second)
		want(true, false, ErrPaused)
		records.set(minute, away)
		<-time.After(20 * time.Second)
		want(true, false, away)
		records.set(minute, nil)
		<-time.After(40 * time.Second) // it ends by itself
		want(false, true, nil)
		records.set(sessiondb.Pause{Until: time.Now().Add(time.Hour)}, nil)
		<-time.After(3 * time.Second)
		want(true, false, ErrPaused)
		records.set(sessiondb.Pause{Since: time.Now(), Until: time.Now()}, nil) // an operator ends it
		<-time.After(3 * time.Second)
		want(false, true, nil)
	})
}

// Whoever pauses the controller to restore a backup has no record of the pause in it.
func TestAPauseWhoseRecordIsLostGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := &pauses{}
		gate := newTestGate(records, nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = gate.Run(ctx) }()
		is := func(paused bool, why string) {
			t.Helper()
			<-time.After(5 * time.Second)
			if err := gate.Check(ctx); errors.Is(err, ErrPaused) != paused {
				t.Errorf("%s: the gate says %v", why, err)
			}
		}
		now := time.Now()
		lastWeek := sessiondb.Pause{Made: 1, Until: now.Add(-199 * time.Hour), By: "other"}
		hour := sessiondb.Pause{Made: 2, Since: now, Until: now.Add(time.Hour), By: "me", Reason: "restoring a backup"}
		for _, restored := range []sessiondb.Pause{{}, lastWeek} {
			records.set(hour, nil)
			is(true, "paused")
			records.set(restored, nil)
			is(true, "restored")
			records.set(sessiondb.Pause{Made: hour.Made + 1, Until: time.Now()}, nil)
			is(false, "resumed after that")
			hour.Made += 2
		}
		records.set(hour, nil)
		is(true, "paused")
		records.set(sessiondb.Pause{Made: hour.Made, Until: time.Now()}, nil)
		is(false, "resumed")
		records.set(hour, nil)
		is(true, "paused")
		records.set(sessiondb.Pause{Made: hour.Made + 1, Until: time.Now()}, nil)
		is(false, "resumed, paused and resumed before that was read")
		hour.Made += 2
		records.set(hour, nil)
		is(true, "paused")
		records.set(lastWeek, nil)
		is(true, "restored")
		records.set(sessiondb.Pause{Made: 2, Until: time.Now()}, nil)
		is(false, "resumed on a server whose clock is behind")
		records.set(hour, nil)
		is(true, "paused")
		records.set(sessiondb.Pause{}, sessiondb.ErrNoLedger) // nor a table
		<-time.After(time.Until(hour.Until) - 10*time.Second)
		is(true, "restored, and not over")
		is(false, "over")
	})
}

// Whoever sees a pause and nothing under way can rely on it.
func TestWhatWasLetThroughIsCountedUntilItIsDone(t *testing.T) {
	t.Parallel()
	records := &pauses{}
	gate := newTestGate(records, nil)
	first, err := gate.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := gate.Enter(t.Context())
	if err != nil || gate.Acting() != 2 {
		t.Errorf("%d are under way, want 2: %v", gate.Acting(), err)
	}
	first()
	second()
	records.set(sessiondb.Pause{Since: time.Now(), Until: time.Now().Add(time.Hour)}, nil)
	if err := gate.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := gate.Enter(t.Context()); !errors.Is(err, ErrPaused) || gate.Acting() != 0 {
		t.Errorf("%d are under way, want none: %v", gate.Acting(), err)
	}
}

func TestWithoutRecordsThereAreNoPauses(t *testing.T) {
	t.Parallel()
	gate := newTestGate(nil, nil)
	leave, err := gate.Enter(t.Context())
	if err = errors.Join(err, gate.Check(t.Context()), gate.Run(t.Context())); err != nil {
		t.Fatal(err)
	}
	leave()
}

// slowPauses answer what was true when they were asked.
type slowPauses struct {
	pauses

	takes time.Duration
}

func (p *slowPauses) Paused(ctx context.Context) (sessiondb.Pause, error) {
	pause, err := p.pauses.Paused(ctx)
	<-time.After(p.takes)
	return pause, err
}

func TestWhatIsKnownOfAPauseIsAsOldAsTheBeginningOfItsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := &slowPauses{takes: 4500 * time.Millisecond}
		gate := newTestGate(records, nil)
		if err := gate.read(t.Context()); err != nil {
			t.Fatal(err)
		}
		records.set(sessiondb.Pause{Since: time.Now(), Until: time.Now().Add(time.Hour)}, nil)
		if err := gate.Check(t.Context()); !errors.Is(err, ErrPaused) {
			t.Errorf("what is known is 4.5 s old, and the gate says %v", err)
		}
	})
}

func TestAPauseThatIsOverIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := &pauses{pause: sessiondb.Pause{Since: time.Now(), Until: time.Now().Add(time.Second)}}
		gate := newTestGate(records, nil)
		if err := gate.Check(t.Context()); !errors.Is(err, ErrPaused) {
			t.Fatal(err)
		}
		records.set(sessiondb.Pause{Since: time.Now(), Until: time.Now().Add(time.Hour)}, nil) // it was made longer
		<-time.After(2 * time.Second)
		if err := gate.Check(t.Context()); !errors.Is(err, ErrPaused) {
			t.Errorf("the pause was made longer, and the gate says %v", err)
		}
	})
}

// hangingPauses are records of a database that hangs for as long as a read may take.
type hangingPauses struct{ reads atomic.Int64 }

func (p *hangingPauses) Paused(context.Context) (sessiondb.Pause, error) {
	p.reads.Add(1)
	<-time.After(5 * time.Second)
	return sessiondb.Pause{}, sessiondb.ErrUnreachable
}

// A process whose workers wait for each other's reads would count as stuck because of its database.
func TestManyWhoMustKnowOfAPauseShareAReadOfIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := &hangingPauses{}
		gate := newTestGate(records, nil)
		began := time.Now()
		var workers sync.WaitGroup
		for range 256 {
			workers.Go(func() {
				if err := gate.Check(t.Context()); !errors.Is(err, sessiondb.ErrUnreachable) {
					t.Errorf("the gate says %v, want that it cannot be known", err)
				}
			})
		}
		workers.Wait()
		gate.reads.Wait()
		if took, reads := time.Since(began), records.reads.Load(); took > 10*time.Second || reads > 2 {
			t.Errorf("256 workers waited %s for %d reads", took, reads)
		}
	})
}

// A manager tells its workers to end when this has ended: they must not begin more meanwhile.
func TestAReadThatHangsDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := &hangingPauses{}
		gate := newTestGate(records, nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		if err := gate.Run(ctx); err != nil || time.Since(began) != time.Second || records.reads.Load() != 1 {
			t.Errorf("ended after %s with %d reads: %v", time.Since(began), records.reads.Load(), err)
		}
		if err := gate.Settle(ctx); err != nil || time.Since(began) != 5*time.Second {
			t.Errorf("no read is under way any more after %s: %v", time.Since(began), err)
		}
	})
}

// Where nobody keeps it fresh it is read before an effect, and an effect is not carried out on what is not known.
func TestNothingIsDoneWhereItIsNotKnownWhetherItMayBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		records := &pauses{err: errors.New("the database is away")}
		gate := newTestGate(records, nil)
		if err := gate.Check(t.Context()); !errors.Is(err, records.err) {
			t.Errorf("the gate says %v, want why it does not know", err)
		}
		records.err = nil
		for range 3 {
			if err := gate.Check(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if records.reads != 2 {
			t.Errorf("read %d times, want once more", records.reads)
		}
		records.pause = sessiondb.Pause{Until: time.Now().Add(time.Hour)}
		<-time.After(5 * time.Second)
		if err := gate.Check(t.Context()); !errors.Is(err, ErrPaused) {
			t.Errorf("what was known is old, and the gate says %v", err)
		}
	})
}

// gauge is the value of a gauge without labels.
func gauge(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// taken reports whether a request waits, and takes it.
func taken(requests <-chan struct{}) bool {
	select {
	case <-requests:
		return true
	default:
		return false
	}
}
