package controllers

import (
	"context"
	"fmt"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// census makes sweeps take turns and remembers what the last one counted, so that a look that must know how many others
// share a fate waits for a count that is fresh enough, and never for more than one. It is safe for concurrent use.
type census struct {
	// occupied is held by the sweep that runs. It guards what follows.
	occupied     chan struct{}
	began, ended time.Time // the last sweep
	err          error     // how it ended
	judge        func(began time.Time, t verdict.Counts)
}

func newCensus(judge func(began time.Time, t verdict.Counts)) *census {
	return &census{occupied: make(chan struct{}, 1), judge: judge}
}

// turn runs a sweep when no other runs.
func (c *census) turn(ctx context.Context, sweep func(began time.Time) (verdict.Counts, error)) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.leave()
	return c.run(sweep)
}

// since returns nil once a sweep that began after t is complete. One that is under way is waited for; where it began
// too early, or failed before this was asked, sweep is run. A failure is that of everybody who waits for it.
func (c *census) since(ctx context.Context, t time.Time, sweep func(began time.Time) (verdict.Counts, error)) error {
	asked := time.Now()
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.leave()
	if c.began.After(t) && (c.err == nil || c.ended.After(asked)) {
		return c.err
	}
	return c.run(sweep)
}

func (c *census) run(sweep func(began time.Time) (verdict.Counts, error)) error {
	began := time.Now()
	t, err := sweep(began)
	c.began, c.ended, c.err = began, time.Now(), err
	if err == nil {
		c.judge(began, t)
	}
	return err
}

// before is how the last sweep ended, for the one that runs now.
func (c *census) before() error { return c.err }

func (c *census) enter(ctx context.Context) error {
	select {
	case c.occupied <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a sweep: %w", ctx.Err())
	}
}

func (c *census) leave() { <-c.occupied }
