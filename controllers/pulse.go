package controllers

import (
	"fmt"
	"sync"
	"time"
)

// stuckAfter is how long one step may take before the process counts as stuck. Every call of the engine and the
// database has a deadline of some seconds and a stop runs beside; a pass waits for a sweep at the most, and one over a
// million rows takes seconds, on a database that crawls some minutes.
const stuckAfter = 10 * time.Minute

// pulse knows the steps that are under way and since when, to tell a process that is stuck from one that waits for an
// engine or a database that is away. It is safe for concurrent use.
type pulse struct {
	mu    sync.Mutex
	steps map[driftKey]time.Time
}

func newPulse() *pulse { return &pulse{steps: map[driftKey]time.Time{}} }

// begin notes a step, and end that it is over.
func (p *pulse) begin(kind, key string) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps[driftKey{kind, key}] = time.Now()
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.steps, driftKey{kind, key})
	}
}

// stuck returns an error that names a step which takes longer than stuckAfter at now, nil where none does.
func (p *pulse) stuck(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for step, since := range p.steps {
		if took := now.Sub(since); took > stuckAfter {
			return fmt.Errorf("the process is stuck in %s %s for %s: restart it, with SIGQUIT so that it writes where, and "+
				"report that", step.kind, step.key, took.Round(time.Second))
		}
	}
	return nil
}
