package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// failingStore fails some reads of single rows, which a real database does only when it likes.
type failingStore struct {
	controllers.SessionStore

	fails *atomic.Int64 // how many reads are still to fail
}

func (s failingStore) Get(ctx context.Context, id string) (sessiondb.Row, error) {
	if s.fails.Add(-1) >= 0 {
		return sessiondb.Row{}, fmt.Errorf("read session %s: %w", id, sessiondb.ErrUnreachable)
	}
	return s.SessionStore.Get(ctx, id)
}

func TestAFailedReadTakesNothingAwayFromWhatWasKnown(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		// A container that is gone waits for an hour, unless it is known what became of it.
		w.opts.Policy.GoneGrace.Duration, w.opts.Policy.StartGrace.Duration = time.Hour, time.Hour
		fails := &atomic.Int64{}
		w.opts.Store = failingStore{w.opts.Store, fails}
		name := testenv.Name(w.TB, w.prefix)
		id := w.run(testenv.Container{Name: name, AutoRemove: true})
		w.insert("s1", "ACTIVE", name)
		w.start(w.engine)
		w.sureOfNames()
		fails.Store(2)
		w.dies(id)
		w.fails("s1")
		w.log.want(w, 1, `"msg":"Session failed"`, `"reason":"ContainerExited"`, `"exitcode":137`)
		w.log.want(w, 0, `"reason":"StatusUnknown"`)
	})
}

// refusingEngine cannot stop containers, as an engine under a strange security profile.
type refusingEngine struct {
	controllers.Engine

	stops *atomic.Int64
}

func (e refusingEngine) Stop(_ context.Context, id string, _ time.Duration) error {
	e.stops.Add(1)
	return fmt.Errorf("stop container %s: %w", id, errors.New("permission denied"))
}

func TestAStopThatIsRefusedIsNeitherHammeredNorRepeatedInTheLog(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{})
		w.insert("s1", "TERMINATED", id)
		stops := &atomic.Int64{}
		w.opts.Engine = refusingEngine{w.opts.Engine, stops}
		report, err := controllers.SweepOnce(w.Context(), w.opts, enough, nil)
		if err != nil {
			w.Fatal(err)
		}
		// At once, and after 100, 200, 400, 800 and 1,600 ms: that after 3.2 s more is too late. A busy machine tries less.
		if n := stops.Load(); n < 2 || n > 6 {
			w.Errorf("tried %d times in %s", n, enough)
		}
		if len(report.Left)+len(report.Failed) != 1 {
			w.Errorf("left %d, failed %d, want the one session", len(report.Left), len(report.Failed))
		}
		w.log.want(w, 1, `"msg":"Reconcile failed`, "permission denied")
		w.wantRow("s1", "TERMINATED "+id)
	})
}

func TestAPlanLooksAgainWhenSomebodyMoves(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{})
		w.insert("s1", "TERMINATED", id)
		plan, err := controllers.MakePlan(w.Context(), w.hooked(once("claimants", func() {
			w.serverDoes(`UPDATE sessions SET status = 'ERROR' WHERE id = 's1'`)
		})), nil)
		if err != nil || plan.Failed() != nil {
			w.Fatal(err, plan.Failed())
		}
		if len(plan.Sessions) != 1 || plan.Sessions[0].Facts.Row.Status != "ERROR" {
			w.Errorf("planned %+v, want the row as it is now", plan.Sessions)
		}
	})
}
