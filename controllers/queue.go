package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Fresh changes go ahead of what a sweep found: during a storm the person who acts now is not stuck behind it.
const (
	priorityFresh = 0
	prioritySweep = -100
)

// nomination is a key that a trigger found worth a look.
type nomination struct {
	key      SessionKey
	priority int
	// after is how long it must wait; 0 means not at all.
	after time.Duration
}

// nominations is the way from the triggers to the controller's queue.
type nominations chan event.TypedGenericEvent[nomination]

// put hands a key on. It returns ctx's error when ctx ends first.
func (n nominations) put(ctx context.Context, what nomination) error {
	select {
	case n <- event.TypedGenericEvent[nomination]{Object: what}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("nominate session %s: %w", what.key, ctx.Err())
	}
}

// source feeds the controller's priority queue.
func (n nominations) source() source.TypedSource[SessionKey] {
	return source.TypedChannel(n, handler.TypedFuncs[nomination, SessionKey]{
		GenericFunc: func(
			_ context.Context, e event.TypedGenericEvent[nomination], q workqueue.TypedRateLimitingInterface[SessionKey],
		) {
			if pq, ok := q.(priorityqueue.PriorityQueue[SessionKey]); ok {
				pq.AddWithOpts(priorityqueue.AddOpts{Priority: &e.Object.priority, After: e.Object.after}, e.Object.key)
				return
			}
			q.AddAfter(e.Object.key, e.Object.after)
		},
	})
}
