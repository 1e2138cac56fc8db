package controllers

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// doubts is the breaker: before something is done that a sweep must have counted first, it is asked whether too many
// share the fate. It is safe for concurrent use.
type doubts struct {
	census *census
	sweep  func(ctx context.Context, began time.Time) (verdict.Counts, error)
	policy verdict.BreakerPolicy
	grace  time.Duration // how long it holds on after it is reset: rows that come back one by one are not all back then
	// accepted says that an operator has looked at the containers without a row and wants them removed.
	accepted bool
	metrics  *metrics.Metrics
	log      logr.Logger

	mu        sync.Mutex
	forgotten time.Time // counts from before are worth nothing
	gone      time.Time // since when too many sessions are gone; zero when they are not
	rowless   bool      // too many containers are without a row
	reset     time.Time // when they were not any more; zero: they have never been
}

func newDoubts(o Options, sweep func(context.Context, time.Time) (verdict.Counts, error)) *doubts {
	d := &doubts{
		sweep: sweep, policy: o.Policy.Breaker, grace: o.Policy.GoneGrace.Duration, accepted: o.AcceptLeaks,
		metrics: o.Metrics, log: o.Log,
	}
	d.census = newCensus(d.judge)
	return d
}

var (
	errManyGone = errors.New("the containers of too many live sessions are gone; if they are, nothing needs to be done")
	errManyLeft = errors.New("too many containers belong to sessions without a row; if the database is the right one " +
		"and they may go, run `session-controller sweep --accept-leaks`")
)

// judge takes the count of a complete sweep, and says so loudly when the breaker trips.
func (d *doubts) judge(began time.Time, t verdict.Counts) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone, rowless := d.policy.TooManyGone(t), d.policy.TooManyRowless(t)
	switch {
	case gone && d.gone.IsZero():
		d.gone = began
		d.log.Error(errManyGone, "Breaker tripped, holding sessions before they are failed",
			"live", t.Live, "gone", t.Gone, "hold", d.policy.Hold.Duration.String())
	case !gone && !d.gone.IsZero():
		d.gone = time.Time{}
		d.log.Info("Breaker reset, sessions are failed as usual", "live", t.Live, "gone", t.Gone)
	}
	switch {
	case rowless && !d.rowless && !d.accepted:
		d.log.Error(errManyLeft, "Breaker tripped, removing no leaked container",
			"containers", t.Owned, "rowless", t.Rowless)
	case !rowless && d.rowless:
		d.reset = time.Now()
		d.log.Info("Breaker reset, leaked containers are removed as usual", "containers", t.Owned, "rowless", t.Rowless)
	}
	d.rowless = rowless
	d.metrics.Breaker(gone, rowless && !d.accepted)
}

// tripped reports what the breaker holds.
func (d *doubts) tripped() (sessions, containers bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.gone.IsZero(), d.rowless && !d.accepted
}

// forget makes every count so far worthless: the engine may be another one, or may have lost its containers.
func (d *doubts) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgotten = time.Now()
}

// goneHeld returns how long a live session whose container has been gone without a word for so long must still be held:
// from when the breaker tripped, or from when it was gone, where that was later and the breaker had not been reset. It
// waits for a sweep where none has been complete since the engine was last connected to.
func (d *doubts) goneHeld(ctx context.Context, goneFor time.Duration) (time.Duration, error) {
	d.mu.Lock()
	forgotten := d.forgotten
	d.mu.Unlock()
	if err := d.counted(ctx, forgotten); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone.IsZero() {
		return 0, nil
	}
	return max(0, d.policy.Hold.Duration-min(time.Since(d.gone), goneFor)), nil
}

// leaksHeld reports whether a container that has been without a claim since then must stay. It waits for a sweep that
// began after that, so that everything which lost its row together is counted together.
func (d *doubts) leaksHeld(ctx context.Context, since time.Time) (bool, error) {
	if err := d.counted(ctx, since); err != nil {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	held := d.rowless || !d.reset.IsZero() && time.Since(d.reset) < d.grace
	return held && !d.accepted, nil
}

func (d *doubts) counted(ctx context.Context, since time.Time) error {
	return d.census.since(ctx, since, func(began time.Time) (verdict.Counts, error) { return d.sweep(ctx, began) })
}
