// Package wait waits, and says how long to wait: every timer beside a context, every jitter and every backoff of the
// program is here.
package wait

import (
	"context"
	"math/rand/v2"
	"time"
)

// For returns when d has passed, when something can be received from wake, or when ctx ends. A nil wake never wakes,
// and with d of zero or less For returns at once.
func For(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Spread returns a time within a tenth of d, to either side, so that many controllers on one database do not come in
// step.
func Spread(d time.Duration) time.Duration {
	const share = 10
	spread := d / share
	if spread <= 0 {
		return d
	}
	return d - spread + rand.N(2*spread) //nolint:gosec // jitter, not a secret
}

// Backoff is how long to wait before the next try of what has failed: between half and the whole of First, and of twice
// as much after each further failure. It is not safe for concurrent use.
type Backoff struct {
	// First is the longest wait after the first failure.
	First time.Duration

	failures int
}

// Next counts a failure and returns the wait before the next try, of at most limit.
func (b *Backoff) Next(limit time.Duration) time.Duration {
	const most = 30 // doublings, which are more than any limit
	d := limit
	if b.failures < most {
		d = min(b.First<<b.failures, limit)
	}
	b.failures++
	if d <= 0 {
		return 0
	}
	return d - rand.N(d/2+1) //nolint:gosec // jitter, not a secret
}

// Reset forgets the failures.
func (b *Backoff) Reset() { b.failures = 0 }
