package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/internal/batch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// ErrPaused says that an operator has paused the controller: nothing is changed until the pause ends.
var ErrPaused = errors.New("the controller is paused")

// PauseRecords is where an operator's pause is kept. [sessiondb.Ledger] is one.
type PauseRecords interface {
	// Paused returns the pause, the zero value where there is none.
	Paused(ctx context.Context) (sessiondb.Pause, error)
}

const (
	// pauseReadEvery is the time between two reads of the pause: a running controller obeys within it.
	pauseReadEvery = 2 * time.Second
	// pausePatience is how old what is known of a pause may be when an effect is about to be carried out.
	pausePatience = 2 * pauseReadEvery
)

// pauseGate stands before every effect: while an operator's pause lasts none is carried out, and all looks go on. What
// is known of the pause is read again and again, as no effect may wait for a query of its own. It is safe for
// concurrent use.
type pauseGate struct {
	records PauseRecords // nil: there are no pauses
	metrics *Metrics
	log     logr.Logger
	// resumed is told when a pause has ended: a sweep is due. Nil: nobody is.
	resumed func()
	// reads are made one after another, as one that began earlier must not end later, and are shared: where the database
	// hangs, nobody waits for the reads of all others.
	reads *batch.Batcher[struct{}, struct{}]

	mu    sync.Mutex
	pause sessiondb.Pause
	known time.Time // when that was read; zero: never
}

func newPauseGate(o Options) *pauseGate {
	g := &pauseGate{records: o.Pauses, metrics: o.Metrics, log: o.Log}
	g.reads = batch.New(1, 0, g.readTogether)
	return g
}

// check returns nil where an effect may be carried out, an ErrPaused that says until when and why not, or the error of
// the database where that cannot be known.
func (g *pauseGate) check(ctx context.Context) error {
	if g.records == nil {
		return nil
	}
	g.mu.Lock()
	known := g.known
	g.mu.Unlock()
	if time.Since(known) > pausePatience {
		if err := g.read(ctx); err != nil {
			return err
		}
	}
	if p := g.current(); p.Active() {
		return pausedError(p)
	}
	return nil
}

// asked returns the pause as it is now, the zero value where there is none.
func (g *pauseGate) asked(ctx context.Context) (sessiondb.Pause, error) {
	if g.records == nil {
		return sessiondb.Pause{}, nil
	}
	return g.records.Paused(ctx)
}

func pausedError(p sessiondb.Pause) error {
	return fmt.Errorf("%w until %s by %s (%s); `session-controller resume` ends that", ErrPaused,
		p.Until.UTC().Format(time.RFC3339), p.By, p.Reason)
}

// current is the pause as it was read last; the zero value where there was none.
func (g *pauseGate) current() sessiondb.Pause {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pause
}

// read reads the pause. Where that fails what was known stays: a database that is away lets nothing be done anyway.
func (g *pauseGate) read(ctx context.Context) error {
	_, err := g.reads.Do(ctx, struct{}{})
	return err
}

// readTogether makes one read for several who need one.
func (g *pauseGate) readTogether(ctx context.Context, asked []struct{}) []batch.Answer[struct{}] {
	return slices.Repeat([]batch.Answer[struct{}]{{Err: g.readOnce(ctx)}}, len(asked))
}

func (g *pauseGate) readOnce(ctx context.Context) error {
	now, err := g.records.Paused(ctx)
	if err != nil {
		return err
	}
	if !now.Active() {
		now = sessiondb.Pause{}
	}
	g.mu.Lock()
	was := g.pause
	g.pause, g.known = now, time.Now()
	g.mu.Unlock()
	g.metrics.pause(now.Until)
	switch {
	case now.Active() && (was.By != now.By || was.Reason != now.Reason || !sameMoment(was.Until, now.Until)):
		g.log.Info("Paused, nothing is changed until it ends", "until", now.Until.UTC().Format(time.RFC3339), "by", now.By,
			"why", now.Reason)
	case !now.Active() && !was.Until.IsZero():
		g.log.Info("Resumed, what is adrift is brought back into agreement")
		if g.resumed != nil {
			g.resumed()
		}
	}
	return nil
}

// sameMoment reports whether two ends are one: each read has an error of its own of some milliseconds.
func sameMoment(a, b time.Time) bool { return a.Sub(b).Abs() < time.Second }

// Start keeps what is known of the pause fresh until ctx ends, and returns when no read is under way any more.
func (g *pauseGate) Start(ctx context.Context) error {
	if g.records == nil {
		return nil
	}
	for ctx.Err() == nil {
		if err := g.read(ctx); err != nil && ctx.Err() == nil {
			g.log.V(1).Info("Cannot read whether the controller is paused, it stays as it was", "error", err.Error())
		}
		wait := pauseReadEvery
		if p := g.current(); p.Active() {
			wait = min(wait, time.Until(p.Until))
		}
		await(ctx, max(wait, time.Millisecond), nil)
	}
	g.reads.Wait()
	return nil
}
