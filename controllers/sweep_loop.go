package controllers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

const (
	// firstSweepPatience is how long the first sweep waits for the event stream, so that one sweep serves both.
	firstSweepPatience = time.Second
	// jitterShare is the part of a period by which it is jittered to either side: a tenth.
	jitterShare = 10
	// maxDoublings of backoffBase are more than any cap.
	maxDoublings = 10
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
	await(ctx, firstSweepPatience, l.core.requests.Sweeps())
	for failures := 0; ctx.Err() == nil; {
		over := l.core.record.steps.begin("sweep", "")
		err := l.sweep(ctx)
		over()
		l.note(ctx, err)
		wait := jittered(l.core.ResyncPeriod)
		failures++
		if err == nil {
			failures = 0
		} else {
			wait = sweepBackoff(failures, err, l.core.MaxBackoff)
		}
		pause := min(wait, sweepPause)
		await(ctx, pause, nil) // a trigger in the meantime is kept
		await(ctx, wait-pause, l.core.requests.Sweeps())
	}
	return nil
}

func (l *sweepLoop) sweep(ctx context.Context) error {
	adrift := l.core.record.drifts.Unclaimed()
	result, err := l.core.sweeper.sweep(ctx, nominates(l.core.memory,
		func(key verdict.SessionKey) error { return l.session(ctx, key) },
		func(key verdict.ContainerKey) error {
			delete(adrift, key)
			return l.container(ctx, key)
		}))
	if err != nil {
		return err
	}
	l.core.record.drifts.Claimed(adrift)
	if result.Unsure > 0 {
		l.core.requests.Sweep()
	}
	l.keep(result)
	log := l.log.V(1)
	if alone := result.leftAlone(); !l.completed() || alone != l.alone {
		l.alone = alone
		log = l.log // the first one is news, and so is a change in what is left alone
	}
	log.Info("Swept", "rows", result.Rows, "containers", result.Containers, "healthy", result.Healthy,
		"adrift", result.Adrift, "held", result.Held, "invalid", result.Invalid, "taken", result.Taken,
		"foreign", result.Foreign, "unclaimed", result.Unclaimed, "unsure", result.Unsure, "took", result.Took.String())
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
	case err != nil && (was == nil || errors.Is(err, errNotTrusted) != errors.Is(was, errNotTrusted)):
		l.log.Error(err, "Sweep failed, will retry")
	case err == nil && was != nil:
		l.log.Info("Sweeps succeed again")
	}
}

// await waits for d, for a trigger (nil for none), or for ctx to end.
func await(ctx context.Context, d time.Duration, trigger <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-trigger:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// jittered spreads d by a tenth to either side, so that many controllers on one database do not sweep in step.
func jittered(d time.Duration) time.Duration {
	spread := d / jitterShare
	if spread <= 0 {
		return d
	}
	return d - spread + rand.N(2*spread) //nolint:gosec // jitter, not a secret
}

// sweepBackoff doubles from backoffBase to maxBackoff; while the engine is away or hangs it stays under a second, so
// that everything converges about a second after its return.
func sweepBackoff(failures int, err error, maxBackoff time.Duration) time.Duration {
	limit := maxBackoff
	if errors.Is(err, dockerwatch.ErrUnreachable) || errors.Is(err, dockerwatch.ErrTimeout) {
		limit = backoffCapDown
	}
	wait := limit
	if doublings := failures - 1; doublings < maxDoublings {
		wait = min(backoffBase<<doublings, limit)
	}
	return min(jittered(wait), limit)
}
