package controllers

import (
	"time"

	"k8s.io/client-go/util/workqueue"
)

const (
	// Backoff of a key: doubling from backoffBase. While the engine is away it is capped low, so that everything
	// converges about a second after its return; otherwise a key that fails for a reason of its own costs a look every
	// half minute, which backoffCap is where [Options.MaxBackoff] is zero.
	backoffBase    = 100 * time.Millisecond
	backoffCap     = 30 * time.Second
	backoffCapDown = time.Second
	// backoffCapBusy is for keys that wait for one of the stops, or for their turn in the slow lane; a stop usually takes
	// well under a second.
	backoffCapBusy = 5 * time.Second
)

// backoffs are how long a key waits before it is tried again, for each kind of cause by itself: a key that had to wait
// for the stops of others has not failed. They are safe for concurrent use.
type backoffs[K comparable] struct {
	// failures counts the tries that failed, busy those that had to wait for others, stops how often a container was
	// stopped and did not stay so, and refused the tries in a row that the engine refused because removal is already in
	// progress.
	failures, busy, stops, refused workqueue.TypedRateLimiter[K]
}

// newBackoffs returns the backoffs of keys that wait maxBackoff at most.
func newBackoffs[K comparable](maxBackoff time.Duration) backoffs[K] {
	limiter := func() workqueue.TypedRateLimiter[K] {
		return workqueue.NewTypedItemExponentialFailureRateLimiter[K](backoffBase, maxBackoff)
	}
	return backoffs[K]{failures: limiter(), busy: limiter(), stops: limiter(), refused: limiter()}
}

// worked forgets the failures of a key that was looked at and acted on.
func (b backoffs[K]) worked(key K) {
	b.failures.Forget(key)
	b.busy.Forget(key)
}

// done forgets everything about a key that needs nothing now.
func (b backoffs[K]) done(key K) {
	b.worked(key)
	b.stops.Forget(key)
	b.refused.Forget(key)
}
