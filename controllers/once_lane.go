package controllers

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"

	"github.com/session-controller/session-controller/controllers/internal/apply"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// lane is one of the two directions of a one-shot sweep: a queue, its workers and what they are not finished with.
type lane[K ~string, F looks] struct {
	once       *once
	reconciler *reconciler[K, F]
	workers    int

	// What follows is guarded by once.mu.
	queue  workqueue.TypedDelayingInterface[K] // nil between two rounds
	open   map[K]Outcome[F]                    // not finished: the last outcome
	closed map[K]bool                          // reported, and not to be opened again
}

func newLane[K ~string, F looks](
	s *once, workers int, reconciler func(keyQueue[K]) *reconciler[K, F],
) *lane[K, F] {
	l := &lane[K, F]{once: s, workers: workers, open: map[K]Outcome[F]{}, closed: map[K]bool{}}
	l.reconciler = reconciler(l)
	return l
}

// fresh opens a key, unless it was given up, and has it looked at now where a round is under way. It never fails.
func (l *lane[K, F]) fresh(_ context.Context, key K) error {
	l.once.mu.Lock()
	defer l.once.mu.Unlock()
	if l.closed[key] {
		return nil
	}
	if _, open := l.open[key]; !open {
		l.open[key] = Outcome[F]{}
		l.once.open++
		l.once.state.Found++
	}
	if l.queue != nil {
		l.queue.Add(key)
	}
	return nil
}

// stopEnded puts the key of an ended stop back after a wait.
func (l *lane[K, F]) stopEnded(key K, after time.Duration) {
	l.once.mu.Lock()
	defer l.once.mu.Unlock()
	if l.queue != nil {
		l.queue.AddAfter(key, after)
	}
}

// start begins a round.
func (l *lane[K, F]) start(ctx context.Context, workers *sync.WaitGroup) {
	l.once.mu.Lock()
	defer l.once.mu.Unlock()
	l.queue = workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[K]{Logger: &l.once.core.Log})
	queue := l.queue
	for key := range l.open {
		queue.Add(key)
	}
	for range l.workers {
		workers.Go(func() {
			for {
				key, shutdown := queue.Get()
				if shutdown || ctx.Err() != nil {
					return
				}
				if !l.isOpen(key) { // it was put back twice, and is finished since
					queue.Done(key)
					continue
				}
				l.finish(ctx, key, l.reconciler.pass(ctx, key))
				queue.Done(key)
			}
		})
	}
}

func (l *lane[K, F]) isOpen(key K) bool {
	l.once.mu.Lock()
	defer l.once.mu.Unlock()
	_, open := l.open[key]
	return open
}

// shutDown ends a round: workers that wait for a key return.
func (l *lane[K, F]) shutDown() {
	l.once.mu.Lock()
	defer l.once.mu.Unlock()
	l.queue.ShutDown()
	l.queue = nil
}

// finish counts a pass and decides what becomes of its key: it is closed, or it comes again.
func (l *lane[K, F]) finish(ctx context.Context, key K, out Outcome[F]) {
	s := l.once
	wait := l.reconciler.requeueAfter(ctx, key, out)
	s.mu.Lock()
	defer s.mu.Unlock()
	before, isOpen := l.open[key]
	s.report.Effects += out.Effects
	if out.Stopping {
		s.report.Effects++
	}
	if !isOpen || (out.Err != nil && ctx.Err() != nil) {
		return // the time is over: a pass that was cut short says nothing
	}
	if waits(before) {
		s.state.Waiting--
	}
	if l.stays(key, out, wait) {
		l.open[key] = out
		if waits(out) {
			s.state.Waiting++
		}
		s.tell()
		return
	}
	delete(l.open, key)
	s.close()
	s.tell()
}

// stays reports whether a key comes again, and reports what is known of it when it does not. once.mu is held.
func (l *lane[K, F]) stays(key K, out Outcome[F], wait time.Duration) bool {
	report := &l.once.report
	switch {
	case out.Stopping: // its end puts the key back
		return true
	case withheld(out.Err), out.Err == nil && out.Verdict.HeldBack():
		report.Left = append(report.Left, l.item(key, out))
	case out.Err == nil && !out.Verdict.Drift() && out.Verdict.Action != verdict.Retry:
		l.once.state.Settled++
		return false
	case out.Err == nil && out.Verdict.Drift() && time.Now().Add(out.Verdict.Wait).After(l.once.until):
		report.Pending = append(report.Pending, l.item(key, out))
	default:
		if l.queue != nil {
			l.queue.AddAfter(key, wait)
		}
		return true
	}
	l.closed[key] = true
	return false
}

// waits reports whether a key waits for a grace or for a container to be stopped.
func waits[F looks](out Outcome[F]) bool {
	return out.Stopping || (out.Err == nil && out.Verdict.Wait > 0)
}

// reportOpen sorts what is still open when the time is over.
func (l *lane[K, F]) reportOpen() {
	l.once.mu.Lock()
	defer l.once.mu.Unlock()
	report := &l.once.report
	for key, out := range l.open {
		item := l.item(key, out)
		switch {
		case out.Err != nil && !errors.Is(out.Err, apply.ErrBusy) && !errors.Is(out.Err, dockerwatch.ErrRefused):
			report.Failed = append(report.Failed, item)
		case out.Verdict.Drift() && out.Verdict.Wait > 0:
			report.Pending = append(report.Pending, item)
		default:
			report.Left = append(report.Left, item)
		}
	}
}

// item is what is known of a key; of one that was never reached that is the key.
func (l *lane[K, F]) item(key K, out Outcome[F]) Item {
	item := Item{Verdict: out.Verdict, Intent: out.Intent(), Err: out.Err}
	item.Session, item.Container = out.Facts.Subject()
	switch {
	case item.Session != "" || item.Container != "":
	case l.reconciler.kind == verdict.KindSession:
		item.Session = string(key)
	default:
		item.Container = string(key)
	}
	return item
}
