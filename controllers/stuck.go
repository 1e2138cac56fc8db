package controllers

import (
	"fmt"
	"sync"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/metrics"
)

// stuckAfter is how long one step may take before the process counts as stuck. Every call of the engine and the
// database has a deadline of some seconds and a stop runs beside; a pass waits for a sweep at the most, and one over a
// million rows takes seconds, on a database that crawls some minutes.
const stuckAfter = 10 * time.Minute

// stuckDetector knows the steps that are under way and since when, to tell a process that is stuck from one that waits
// for an engine or a database that is away. It is safe for concurrent use.
type stuckDetector struct {
	mu    sync.Mutex
	steps map[step]time.Time
}

// step is a pass over a key of this kind, or a sweep, which has no key.
type step struct{ kind, key string }

func newStuckDetector() *stuckDetector { return &stuckDetector{steps: map[step]time.Time{}} }

// begin notes a step; end notes that it is over.
func (d *stuckDetector) begin(kind, key string) (end func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.steps[step{kind, key}] = time.Now()
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.steps, step{kind, key})
	}
}

// stuck returns an error that names a step which takes longer than stuckAfter at now, nil where none does.
func (d *stuckDetector) stuck(now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for at, since := range d.steps {
		if took := now.Sub(since); took > stuckAfter {
			return fmt.Errorf("the process is stuck in %s %s for %s: restart it, with SIGQUIT so that it writes where, and "+
				"report that", at.kind, at.key, took.Round(time.Second))
		}
	}
	return nil
}

// passRecorder is what every pass is recorded in: the drift that is open, and the steps under way.
type passRecorder struct {
	drifts *metrics.Drifts
	steps  *stuckDetector
}

func newPassRecorder(m *metrics.Metrics) passRecorder {
	return passRecorder{metrics.NewDrifts(m), newStuckDetector()}
}
