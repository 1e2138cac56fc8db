package controllers

import (
	"context"
	"fmt"
	"sync"
)

// turns lets those who are about to give up a claim on one container go one after another: of two that share it each
// may have seen the other's claim, and both would let go of it. It is safe for concurrent use.
type turns struct {
	mu    sync.Mutex
	taken map[string]*turn
}

// turn is of one container: whoever has put something into held has it, and users have it or wait for it.
type turn struct {
	held  chan struct{}
	users int
}

func newTurns() *turns { return &turns{taken: map[string]*turn{}} }

// take returns when no other has the turn of a container; leave gives it up. The error is ctx's.
func (t *turns) take(ctx context.Context, container string) (leave func(), err error) {
	t.mu.Lock()
	mine := t.taken[container]
	if mine == nil {
		mine = &turn{held: make(chan struct{}, 1)}
		t.taken[container] = mine
	}
	mine.users++
	t.mu.Unlock()
	done := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(t.taken, container)
		}
	}
	select {
	case mine.held <- struct{}{}:
		return func() { <-mine.held; done() }, nil
	case <-ctx.Done():
		done()
		return nil, fmt.Errorf("wait for others that claim container %s: %w", container, ctx.Err())
	}
}
