// Package breaker holds what would hit too many sessions or containers at once, as that is more likely a disaster
// elsewhere. It is a state over the counts of the last sweep: it never runs one itself.
package breaker

import (
	"errors"
	"math"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// Options are what a breaker is built from.
type Options struct {
	Policy verdict.BreakerPolicy
	// AcceptLeaks says that an operator has looked at the containers without a row and wants them removed.
	AcceptLeaks bool
	// Metrics may be nil.
	Metrics *metrics.Metrics
	Log     logr.Logger
}

// Breaker takes the counts of each complete sweep and answers for single sessions and containers whether they are held.
// It is safe for concurrent use.
type Breaker struct {
	Options

	mu        sync.Mutex
	counted   time.Time // when the last complete sweep began; zero: there was none
	forgotten time.Time // a count that began before says nothing about what is gone now
	gone      time.Time // since when too many sessions are gone; zero: they are not
	rowless   bool      // too many containers are without a row
	reset     time.Time // when they were not any more; zero: they have never been
}

// New returns a breaker to which no count is known: everything waits for the first sweep.
func New(o Options) *Breaker { return &Breaker{Options: o} }

var (
	errManyGone = errors.New("the containers of too many live sessions are gone; if they are, nothing needs to be done")
	errManyLeft = errors.New("too many containers belong to sessions without a row; if the database is the right one " +
		"and they may go, run `session-controller sweep --accept-leaks`")
)

// Counted takes the counts of a complete sweep that began then, and logs when the breaker trips or is reset.
func (b *Breaker) Counted(began time.Time, c verdict.Counts) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counted = began
	gone, rowless := b.Policy.TooManyGone(c), b.Policy.TooManyRowless(c)
	switch {
	case gone && b.gone.IsZero():
		b.gone = began
		b.Log.Error(errManyGone, "Breaker tripped, holding sessions before they are failed",
			"live", c.Live, "gone", c.Gone, "hold", b.Policy.Hold.Duration.String())
	case !gone && !b.gone.IsZero():
		b.gone = time.Time{}
		b.Log.Info("Breaker reset, sessions are failed as usual", "live", c.Live, "gone", c.Gone)
	}
	switch {
	case rowless && !b.rowless && !b.AcceptLeaks:
		b.Log.Error(errManyLeft, "Breaker tripped, removing no leaked container",
			"containers", c.Owned, "rowless", c.Rowless)
	case !rowless && b.rowless:
		b.reset = time.Now()
		b.Log.Info("Breaker reset, leaked containers are removed as usual", "containers", c.Owned, "rowless", c.Rowless)
	}
	b.rowless = rowless
	b.Metrics.Breaker(gone, rowless && !b.AcceptLeaks)
}

// Tripped reports what the breaker holds.
func (b *Breaker) Tripped() (sessions, containers bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.gone.IsZero(), b.rowless && !b.AcceptLeaks
}

// Forget makes every count so far say nothing about what is gone from now on: the engine may be another one, or may
// have lost its containers.
func (b *Breaker) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgotten = time.Now()
}

// Gone returns how long a live session is still held whose container has been gone for goneFor, and whose removal no
// event told of: from when the breaker tripped, or from when the container was gone, where that was later and the
// breaker had not been reset. It is counted when a sweep is complete that began after the last Forget, or that began
// while the session was known to be gone, whatever was forgotten since. One that is not counted must wait for a sweep.
func (b *Breaker) Gone(goneFor time.Duration) (held time.Duration, counted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	counted = b.counted.After(b.forgotten) || b.counted.After(time.Now().Add(-goneFor))
	if b.gone.IsZero() {
		return 0, counted
	}
	return max(0, b.Policy.Hold.Duration-min(time.Since(b.gone), goneFor)), counted
}

// Rowless reports whether a container that no row claims is held. It is counted when a sweep is complete that began
// after since, so that everything which lost its row together is counted together.
func (b *Breaker) Rowless(since time.Time) (held, counted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rowless && !b.AcceptLeaks, b.counted.After(since)
}

// RowlessClearFor returns for how long containers without a row have not been held: rows that come back one by one are
// not all back when the breaker is reset. It is the longest duration there is where none has been held so far.
func (b *Breaker) RowlessClearFor() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.AcceptLeaks, !b.rowless && b.reset.IsZero():
		return math.MaxInt64
	case b.rowless:
		return 0
	}
	return time.Since(b.reset)
}
