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

// pace is how long a key waits before it is tried again, for each kind of cause by itself: who had to wait for the
// stops of others has not failed. It is safe for concurrent use.
type pace[K comparable] struct {
	// failures counts the tries that failed, turns those that had to wait for others, stops how often a container was
	// stopped and did not stay so, and atIt the tries in a row that the engine refused because somebody is at it.
	failures, turns, stops, atIt workqueue.TypedRateLimiter[K]
}

// newPace returns the pace of keys that wait maxBackoff at most.
func newPace[K comparable](maxBackoff time.Duration) pace[K] {
	limiter := func() workqueue.TypedRateLimiter[K] {
		return workqueue.NewTypedItemExponentialFailureRateLimiter[K](backoffBase, maxBackoff)
	}
	return pace[K]{failures: limiter(), turns: limiter(), stops: limiter(), atIt: limiter()}
}

// worked forgets the failures of a key that was looked at and acted on.
func (p pace[K]) worked(key K) {
	p.failures.Forget(key)
	p.turns.Forget(key)
}

// done forgets everything about a key that needs nothing now.
func (p pace[K]) done(key K) {
	p.worked(key)
	p.stops.Forget(key)
	p.atIt.Forget(key)
}
