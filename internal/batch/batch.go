// Package batch lets callers that ask for the same kind of thing at the same time share one call for it.
//
// It batches by what is there and never waits for more: a call begins at once where none is under way, and what is
// asked for meanwhile shares the next one. So a single caller has no delay, and the more callers there are the fewer
// calls there are for each. A call that takes long holds up no caller: after a while the next one begins beside it.
package batch

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Answer is what a call says of one of the things it was asked for.
type Answer[Out any] struct {
	Value Out
	// Err is nil where Value is the answer.
	Err error
}

// Call asks for several things at once. It returns as many answers as were asked for, in their order. asked is never
// empty. ctx carries the values of one of the callers and is never done: the call bounds itself.
type Call[In, Out any] func(ctx context.Context, asked []In) []Answer[Out]

// Batcher shares calls among callers. It is safe for concurrent use; the zero value cannot be used.
type Batcher[In, Out any] struct {
	call         Call[In, Out]
	width        int
	overlapAfter time.Duration

	mu sync.Mutex
	// next is what shares the next call, nil while no caller waits for one.
	next *sharedCall[In, Out]
	// underWay is how many calls are, and idle is closed when none is any more; nil while none is.
	underWay int
	idle     chan struct{}
}

// sharedCall is one call and what it was asked for.
type sharedCall[In, Out any] struct {
	asked   []In
	answers []Answer[Out]
	done    chan struct{}
	// timer begins it where no other call ends; nil where it began at once, or none may begin beside another.
	timer *time.Timer
}

// New returns a Batcher that has at most width calls under way, 1 at least. The second one and those after it begin
// when no other call has ended for overlapAfter.
func New[In, Out any](width int, overlapAfter time.Duration, call Call[In, Out]) *Batcher[In, Out] {
	return &Batcher[In, Out]{call: call, width: max(1, width), overlapAfter: overlapAfter}
}

// Do returns the answer of a call that began after Do was called: one that was under way already says nothing of what
// the caller saw before. The call goes on when ctx ends, for others wait for it, too; the error is then the context's.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	var none Out
	if err := ctx.Err(); err != nil {
		return none, fmt.Errorf("begin a call: %w", err)
	}
	f, place := b.join(context.WithoutCancel(ctx), in)
	select {
	case <-f.done:
		return f.answers[place].Value, f.answers[place].Err
	case <-ctx.Done():
		return none, fmt.Errorf("wait for a call that others share: %w", ctx.Err())
	}
}

// Wait returns when no call is under way any more.
func (b *Batcher[In, Out]) Wait() {
	b.mu.Lock()
	idle := b.idle
	b.mu.Unlock()
	if idle != nil {
		<-idle
	}
}

func (b *Batcher[In, Out]) join(ctx context.Context, in In) (f *sharedCall[In, Out], place int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f = b.next
	if f == nil {
		f = &sharedCall[In, Out]{done: make(chan struct{})}
		b.next = f
		switch {
		case b.underWay == 0:
			b.idle = make(chan struct{})
			defer b.begin(ctx, f)
		case b.width > 1:
			f.timer = time.AfterFunc(b.overlapAfter, func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				if b.next == f && b.underWay < b.width {
					b.begin(ctx, f)
				}
			})
		}
	}
	f.asked = append(f.asked, in)
	return f, len(f.asked) - 1
}

// begin makes the next call beside those that are under way. b.mu is held.
func (b *Batcher[In, Out]) begin(ctx context.Context, f *sharedCall[In, Out]) {
	b.next = nil
	b.underWay++
	go b.run(ctx, f)
}

// run makes calls as long as a caller waits for one.
func (b *Batcher[In, Out]) run(ctx context.Context, f *sharedCall[In, Out]) {
	for f != nil {
		f.answers = b.call(ctx, f.asked)
		close(f.done)
		f = b.finish()
	}
}

// finish returns the next call to make, nil where there is none.
func (b *Batcher[In, Out]) finish() *sharedCall[In, Out] {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.next
	b.next = nil
	switch {
	case f == nil:
		if b.underWay--; b.underWay == 0 {
			close(b.idle)
			b.idle = nil
		}
	case f.timer != nil:
		f.timer.Stop()
	}
	return f
}
