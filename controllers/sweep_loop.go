package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/internal/wait"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

const (
	// firstSweepTimeout is how long the first sweep waits for the event stream, so that one sweep serves both.
	firstSweepTimeout = time.Second
	// sweepPause is the least time between two sweeps, whatever asks for them.
	sweepPause = time.Second
)

// sweepLoop sweeps at start, every resync period, after every connection of the event stream and when a trigger had to
// drop something; after a failure it tries again with a backoff until it succeeds.
type sweepLoop struct {
	core      *core
	session   func(context.Context, verdict.SessionKey) error
	container func(context.Context, verdict.ContainerKey) error
	log       logr.Logger
	// alone is what the last sweep left alone.
	alone [4]int

	mu   sync.Mutex
	done bool  // a sweep was completed
	err  error // why the last one failed
	// result is what the last complete one counted, and swept when it ended.
	result Sweep
	swept  time.Time
}

func newSweepLoop(
	c *core, session func(context.Context, verdict.SessionKey) error,
	container func(context.Context, verdict.ContainerKey) error,
) *sweepLoop {
	return &sweepLoop{core: c, session: session, container: container, log: c.Log}
}

// ready returns nil after the first complete sweep, unless the last one failed.
func (l *sweepLoop) ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return fmt.Errorf("the last sweep failed: %w", l.err)
	case !l.done:
		return errors.New("the first sweep is not complete")
	}
	return nil
}

// Start sweeps until ctx ends.
func (l *sweepLoop) Start(ctx context.Context) error {
	requested := l.core.requests.Sweeps()
	wait.For(ctx, firstSweepTimeout, requested)
	for backoff := (wait.Backoff{First: backoffBase}); ctx.Err() == nil; {
		end := l.core.record.steps.begin("sweep", "")
		err := l.sweep(ctx)
		end()
		l.note(ctx, err)
		next := wait.Spread(l.core.ResyncPeriod)
		if err == nil {
			backoff.Reset()
		} else {
			next = backoff.Next(retryLimit(err, l.core.MaxBackoff))
		}
		pause := min(next, sweepPause)
		wait.For(ctx, pause, nil) // a request in the meantime is kept
		wait.For(ctx, next-pause, requested)
	}
	return nil
}

// retryLimit bounds the wait after a sweep that failed. While the engine is away or hangs it is a second, so that
// everything converges about a second after its return.
func retryLimit(err error, maxBackoff time.Duration) time.Duration {
	if errors.Is(err, dockerwatch.ErrUnreachable) || errors.Is(err, dockerwatch.ErrTimeout) {
		return min(backoffCapDown, maxBackoff)
	}
	return maxBackoff
}

func (l *sweepLoop) sweep(ctx context.Context) error {
	adrift := l.core.record.drifts.Unclaimed()
	var found sweep.Nominees
	result, err := l.core.sweeper.Sweep(ctx, found.Callbacks(l.core.sessionTracker))
	for _, key := range found.Containers {
		delete(adrift, key)
	}
	// What a sweep met before it failed is looked at, too.
	if err := errors.Join(err, found.HandOn(ctx, l.session, l.container)); err != nil {
		return err
	}
	l.core.record.drifts.Claimed(adrift)
	if result.Unconfirmed > 0 {
		l.core.requests.Sweep()
	}
	l.keep(result)
	log := l.log.V(1)
	if alone := result.LeftAlone(); !l.completed() || alone != l.alone {
		l.alone = alone
		log = l.log // the first one is news, and so is a change in what is left alone
	}
	log.Info("Swept", "rows", result.Rows, "containers", result.Containers, "healthy", result.Healthy,
		"adrift", result.Adrift, "held", result.Held, "invalid", result.Invalid, "taken", result.Taken,
		"foreign", result.Foreign, "unclaimed", result.Unclaimed, "unsure", result.Unconfirmed, "took", result.Took.String())
	return nil
}

// keep keeps what a complete sweep counted, for those who ask.
func (l *sweepLoop) keep(result Sweep) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result, l.swept = result, time.Now()
}

// last returns what the last complete sweep counted and when it ended; zero: there was none.
func (l *sweepLoop) last() (result Sweep, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.result, l.swept
}

func (l *sweepLoop) completed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done
}

// note keeps the state for readiness and logs it when it changes, not at every try. A sweep that ended because the
// process ends says nothing.
func (l *sweepLoop) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	was := l.err
	l.err = err
	l.done = l.done || err == nil
	l.mu.Unlock()
	switch {
	case err != nil && (was == nil || errors.Is(err, identity.ErrNotTrusted) != errors.Is(was, identity.ErrNotTrusted)):
		l.log.Error(err, "Sweep failed, will retry")
	case err == nil && was != nil:
		l.log.Info("Sweeps succeed again")
	}
}
