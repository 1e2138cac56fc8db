package sim

import (
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// run plays one world to its end and returns what was wrong with it and its history.
func run(t *testing.T, s setup) (violations []string, history string, steps int) {
	t.Helper()
	dir := scratch(t)
	defer func() { _ = os.RemoveAll(dir) }()
	synctest.Test(t, func(t *testing.T) {
		w := build(t, s, dir)
		defer w.tear()
		w.sayf("%s", s)
		w.pass(2 * time.Second)
		for _, step := range s.steps {
			w.take(step)
			w.took++
			if len(w.accusations()) > 0 {
				break
			}
		}
		if len(w.accusations()) == 0 {
			w.finish()
		}
		violations, history, steps = w.accusations(), w.told(), w.took
	})
	return violations, history, steps
}

// finish ends the faults, waits until everything must have converged, and looks.
func (w *world) finish() {
	w.pass(160 * time.Second) // what the server has begun goes on
	w.calmDown()
	w.pass(bound)
	w.agree()
	if len(w.accusations()) == 0 {
		w.recovers(time.Duration(len(w.history)%200) * time.Second)
	}
}

func (w *world) accusations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.violations...)
}

// told is the history; with SIM_VERBOSE the controllers' logs are in it.
func (w *world) told() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.history
	if os.Getenv("SIM_VERBOSE") != "" {
		lines = merged(w.history, w.logs)
	}
	return strings.Join(lines, "\n")
}

// merged puts two lists of lines that begin with their times together.
func merged(a, b []string) []string {
	var all []string
	for len(a) > 0 && len(b) > 0 {
		if a[0][:10] <= b[0][:10] {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// tries is how often a history is played while a failure is shrunk: the order of goroutines and the jitter of sweeps
// are not part of the seed, so one that shows the failure may need more than one try.
const tries = 20

// TestSimulation plays random worlds. -rapid.checks says how many, -rapid.seed which.
//
//nolint:paralleltest // it changes how many processors there are
func TestSimulation(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // with one processor a seed tells nearly everything
	var runs, steps, failed atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSetup().Draw(rt, "world")
		n := 1
		if failed.Load() > 0 {
			n = tries
		}
		for range n {
			violations, history, took := run(t, s)
			runs.Add(1)
			steps.Add(int64(took))
			if len(violations) > 0 {
				if failed.Add(1) == 1 { // the order of goroutines may not come about again
					t.Logf("first seen in run %d:\n%s\n\nhistory:\n%s", runs.Load(), strings.Join(violations, "\n"), history)
				}
				rt.Logf("%s\n\nhistory:\n%s", strings.Join(violations, "\n"), history)
				// While it is shrunk the message must stay the same: it says which promise, and no more.
				rt.Fatalf("%s is broken", strings.SplitN(violations[0], ":", 2)[0])
			}
		}
	})
	t.Logf("%d runs, %d steps, %d wrong", runs.Load(), steps.Load(), failed.Load())
}
