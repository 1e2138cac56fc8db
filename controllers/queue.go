package controllers

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/session-controller/session-controller/controllers/internal/apply"
)

// A row that changed, and the end of a stop that was begun for it, go ahead of what happened to containers, and that of
// what a sweep found: when a host loses thousands of containers at once, a user who acts now does not wait behind them.
const (
	priorityChange = 100
	priorityFresh  = 0
	prioritySweep  = -100
)

// nomination is a key that a trigger found worth a look.
type nomination[K ~string] struct {
	key      K
	priority int
	// after is how long it must wait; 0 means not at all.
	after time.Duration
}

// nominations is the way from the triggers to a controller's queue.
type nominations[K ~string] chan event.TypedGenericEvent[nomination[K]]

// put hands a key on. It returns ctx's error when ctx ends first.
func (n nominations[K]) put(ctx context.Context, what nomination[K]) error {
	select {
	case n <- event.TypedGenericEvent[nomination[K]]{Object: what}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("nominate %s: %w", what.key, ctx.Err())
	}
}

// source feeds the controller's priority queue.
func (n nominations[K]) source() source.TypedSource[K] {
	return source.TypedChannel(n, handler.TypedFuncs[nomination[K], K]{
		GenericFunc: func(
			_ context.Context, e event.TypedGenericEvent[nomination[K]], q workqueue.TypedRateLimitingInterface[K],
		) {
			if pq, ok := q.(priorityqueue.PriorityQueue[K]); ok {
				pq.AddWithOpts(priorityqueue.AddOpts{Priority: &e.Object.priority, After: e.Object.after}, e.Object.key)
				return
			}
			q.AddAfter(e.Object.key, e.Object.after)
		},
	})
}

// queue is the way into one controller's queue.
type queue[K ~string] struct {
	nominations nominations[K]
	// stopped takes the keys of ended stops.
	stopped chan nomination[K]
	// keys are those that are to be looked at; nil before the controller has started.
	keys atomic.Pointer[priorityqueue.PriorityQueue[K]]
}

func newQueue[K ~string]() *queue[K] {
	return &queue[K]{nominations: make(nominations[K]), stopped: make(chan nomination[K])}
}

// make returns the controller's own queue when it starts.
func (q *queue[K]) make(name string, limiter workqueue.TypedRateLimiter[K]) workqueue.TypedRateLimitingInterface[K] {
	keys := priorityqueue.New(name, func(o *priorityqueue.Opts[K]) { o.RateLimiter = limiter })
	q.keys.Store(&keys)
	return keys
}

// waiting is how many keys wait for a worker; those that come back after a wait do not count.
func (q *queue[K]) waiting() int {
	if keys := q.keys.Load(); keys != nil {
		return (*keys).Len()
	}
	return 0
}

// changed nominates a key whose row changed, fresh one whose container something just happened to, and swept one that a
// sweep found.
func (q *queue[K]) changed(ctx context.Context, key K) error {
	return q.nominations.put(ctx, nomination[K]{key: key, priority: priorityChange})
}

func (q *queue[K]) fresh(ctx context.Context, key K) error {
	return q.nominations.put(ctx, nomination[K]{key: key, priority: priorityFresh})
}

func (q *queue[K]) swept(ctx context.Context, key K) error {
	return q.nominations.put(ctx, nomination[K]{key: key, priority: prioritySweep})
}

// stopEnded puts a key back after a stop. It outlives the pass that began the stop, but never the process: when the
// process has ended, the next start finds the stopped container.
func (q *queue[K]) stopEnded(key K, after time.Duration) {
	q.stopped <- nomination[K]{key: key, priority: priorityChange, after: after}
}

// putBack hands the keys of ended stops to the queue until ctx ends, then waits for the stops to let go.
func (q *queue[K]) putBack(ctx context.Context, s *apply.Stopper) error {
	for ctx.Err() == nil {
		select {
		case n := <-q.stopped:
			if err := q.nominations.put(ctx, n); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
		}
	}
	idle := make(chan struct{})
	go func() { s.Wait(); close(idle) }()
	for {
		select {
		case <-q.stopped:
		case <-idle:
			return nil
		}
	}
}
