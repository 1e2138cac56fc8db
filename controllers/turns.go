package controllers

import (
	"fmt"
	"sync"
)

// turns lets those who are about to give up a claim on one container go one after another: of two that share it each
// may have seen the other's claim, and both would let go of it. It is safe for concurrent use.
type turns struct {
	mu    sync.Mutex
	taken map[string]bool // by a container's full id
}

func newTurns() *turns { return &turns{taken: map[string]bool{}} }

// take takes the turn of a container, and leave gives it up. An errBusy says that somebody else has it: nobody waits
// for it, as a worker that waits is missing to all others.
func (t *turns) take(container string) (leave func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken[container] {
		return nil, fmt.Errorf("another session gives up its claim on container %s: %w", container, errBusy)
	}
	t.taken[container] = true
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.taken, container)
	}, nil
}
