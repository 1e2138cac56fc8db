package e2e

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// calls counts what a sweep asks of either side.
type calls struct{ List, Info, Observe, Claiming, Get, Claimants atomic.Int64 }

// counted is calls as plain numbers.
type counted struct{ List, Info, Observe, Claiming, Get, Claimants int64 }

func (c *calls) counted() counted {
	return counted{
		c.List.Load(), c.Info.Load(), c.Observe.Load(), c.Claiming.Load(), c.Get.Load(), c.Claimants.Load(),
	}
}

type countedEngine struct {
	controllers.Engine

	calls *calls
}

func (e countedEngine) List(ctx context.Context) (dockerwatch.Listing, error) {
	e.calls.List.Add(1)
	return e.Engine.List(ctx)
}

func (e countedEngine) Info(ctx context.Context) (dockerwatch.Info, error) {
	e.calls.Info.Add(1)
	return e.Engine.Info(ctx)
}

func (e countedEngine) Observe(ctx context.Context, claim string) (dockerwatch.Observation, error) {
	e.calls.Observe.Add(1)
	return e.Engine.Observe(ctx, claim)
}

type countedStore struct {
	controllers.SessionStore

	calls *calls
}

func (s countedStore) Claiming(ctx context.Context) iter.Seq2[sessiondb.Row, error] {
	s.calls.Claiming.Add(1)
	return s.SessionStore.Claiming(ctx)
}

func (s countedStore) Get(ctx context.Context, id string) (sessiondb.Row, error) {
	s.calls.Get.Add(1)
	return s.SessionStore.Get(ctx, id)
}

func (s countedStore) Claimants(ctx context.Context, claims []string) ([]sessiondb.Row, error) {
	s.calls.Claimants.Add(1)
	return s.SessionStore.Claimants(ctx, claims)
}

// counting returns the world's options with every call counted.
func (w *world) counting() (controllers.Options, *calls) {
	c := &calls{}
	o := w.opts
	o.Engine, o.Store = countedEngine{o.Engine, c}, countedStore{o.Store, c}
	return o, c
}

func TestASweepIsOneListAndOneQueryWhateverTheNumberOfRows(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{})
		for n := range 300 {
			w.insert(fmt.Sprintf("live-%d", n), "ACTIVE", id) // they share one container
			w.insert(fmt.Sprintf("over-%d", n), "TERMINATED", nil)
			w.insert(fmt.Sprintf("odd-%d", n), "PAUSED", nil)
		}
		o, c := w.counting()
		w.sweepWith(o)
		if diff := cmp.Diff(counted{List: 1, Info: 1, Claiming: 1}, c.counted()); diff != "" {
			w.Errorf("a sweep that finds no drift (-want +got):\n%s", diff)
		}

		w.insert("gone", "ACTIVE", "f00d"+id60)
		w.insert("dead", "ACTIVE", w.exited())
		o, c = w.counting()
		w.sweepWith(o)
		// Gone: look, fail and release. Exited: look, fail, look with the other claimants, remove and release. Nothing for
		// the 900 others, and a sweep that finds that all is done.
		want := counted{List: 2, Info: 2, Claiming: 2, Get: 3, Observe: 3, Claimants: 1}
		if diff := cmp.Diff(want, c.counted()); diff != "" {
			w.Errorf("a sweep that finds two sessions adrift (-want +got):\n%s", diff)
		}
	})
}

func TestAHealthySessionIsNeverLookedAtTwiceForNothing(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		foreign := w.run(testenv.Container{Name: testenv.Name(w.TB, "somebody-elses-")})
		w.insert("foreign", "TERMINATED", foreign)
		w.insert("invalid", "ACTIVE", "no such/ref")
		w.insert("unknown", "PAUSED", w.run(testenv.Container{}))
		o, c := w.counting()
		w.opts = o
		w.opts.ResyncPeriod = 50 * time.Millisecond
		w.start(deaf{w.engine})
		sessions := []string{"foreign", "invalid", "unknown"}
		w.until("each of the three is told of", func() bool {
			for _, session := range sessions {
				if len(w.log.with(`"session":"`+session+`"`)) == 0 {
					return false
				}
			}
			return true
		})
		// Until a look has ended, sweeps that come meanwhile ask for it again. After that there must be sweeps in a row
		// that ask for none: the fourth that begins has the three before it behind it.
		last := c.counted()
		w.until("three sweeps in a row have led to no look", func() bool {
			now := c.counted()
			if now.Get != last.Get || now.Observe != last.Observe {
				last = now
			}
			return now.Claiming >= last.Claiming+4
		})
		for _, session := range sessions {
			w.log.want(w, 1, `"session":"`+session+`"`)
		}
	})
}

// failsLater is a database that goes away after the first sweep.
type failsLater struct {
	controllers.SessionStore

	sweeps atomic.Int64
}

func (s *failsLater) Claiming(ctx context.Context) iter.Seq2[sessiondb.Row, error] {
	if s.sweeps.Add(1) == 1 {
		return s.SessionStore.Claiming(ctx)
	}
	return func(yield func(sessiondb.Row, error) bool) { yield(sessiondb.Row{}, sessiondb.ErrUnreachable) }
}

func TestASweepSaysThatItCouldNotSeeWhatItHasLeft(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.insert("dead", "ACTIVE", w.exited())
		o := w.opts
		o.Store = &failsLater{SessionStore: o.Store}
		if report := w.sweepWith(o); !errors.Is(report.Unverified, sessiondb.ErrUnreachable) || report.Effects == 0 {
			w.Errorf("%d effects, and not verified because: %v", report.Effects, report.Unverified)
		}
		w.insert("dead too", "ACTIVE", w.exited())
		if report := w.sweep(); report.Unverified != nil {
			w.Errorf("not verified because: %v", report.Unverified)
		}
	})
}
