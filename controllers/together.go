package controllers

import (
	"context"
	"fmt"
	"sync"
)

// together lets many callers share one check that began after they asked: one that was under way already says nothing
// about what they saw. It is safe for concurrent use.
type together struct {
	check func(ctx context.Context) error

	mu sync.Mutex
	// next is the check that has not begun, nil when nobody waits for one.
	next *shared
	// running is closed when no check is under way any more, nil while none is.
	running chan struct{}
}

type shared struct {
	done chan struct{}
	err  error
}

// do returns how a check ended that began after this call. The check goes on when ctx ends: others wait for it, too.
func (t *together) do(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("begin a check: %w", err)
	}
	t.mu.Lock()
	c := t.next
	if c == nil {
		c = &shared{done: make(chan struct{})}
		t.next = c
	}
	if t.running == nil {
		t.running = make(chan struct{})
		go t.run(context.WithoutCancel(ctx))
	}
	t.mu.Unlock()
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return fmt.Errorf("wait for a check: %w", ctx.Err())
	}
}

// run makes checks as long as somebody waits for one.
func (t *together) run(ctx context.Context) {
	for {
		t.mu.Lock()
		c := t.next
		t.next = nil
		if c == nil {
			close(t.running)
			t.running = nil
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
		c.err = t.check(ctx)
		close(c.done)
	}
}

// wait returns when no check is under way any more.
func (t *together) wait() {
	t.mu.Lock()
	running := t.running
	t.mu.Unlock()
	if running != nil {
		<-running
	}
}
