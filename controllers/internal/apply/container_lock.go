package apply

import (
	"fmt"
	"sync"
)

// containerLocks serialize the passes that are about to give up a claim on one container: of two sessions that share it
// each may have seen the other's claim, and both would give up their own. They are safe for concurrent use.
type containerLocks struct {
	mu    sync.Mutex
	taken map[string]bool // by a container's full id
}

func newContainerLocks() *containerLocks { return &containerLocks{taken: map[string]bool{}} }

// lock takes the lock of a container, and unlock gives it up. An ErrBusy says that another session has it: no worker
// waits for it, because all others would miss that worker.
func (l *containerLocks) lock(container string) (unlock func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken[container] {
		return nil, fmt.Errorf("another session gives up its claim on container %s: %w", container, ErrBusy)
	}
	l.taken[container] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.taken, container)
	}, nil
}
