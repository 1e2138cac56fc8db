package controllers

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// Progress is where a one-shot sweep stands.
type Progress struct {
	// Settled of Found sessions need nothing more; Waiting ones are inside a grace, or their container is being stopped.
	Found, Settled, Waiting int
}

// SweepReport is how a one-shot sweep ended.
type SweepReport struct {
	// Sweep is what the sweep counted before anything was done.
	Sweep Sweep
	// Effects is how many effects were carried out.
	Effects int
	// Pending are adrift but inside a grace that does not end in time.
	Pending []Outcome
	// Left are due and not done: the time ran out, or it was a dry run.
	Left []Outcome
	// Failed could not be looked at or acted on.
	Failed []Outcome
}

// once converges everything one time: what the controller does for ever, until nothing is left to do or to wait for.
type once struct {
	core       *core
	reconciler *SessionReconciler
	queue      workqueue.TypedDelayingInterface[SessionKey]
	until      time.Time
	progress   func(Progress)

	mu     sync.Mutex
	open   map[SessionKey]Outcome // not finished: the last outcome
	state  Progress
	report SweepReport
}

// SweepOnce converges everything once and returns what came of it. It waits for graces that end within timeout. The
// error is that of the sweep itself, when the engine or the database could not be read at all. progress may be nil; it
// is called from several goroutines, one at a time.
func SweepOnce(ctx context.Context, o Options, timeout time.Duration, progress func(Progress)) (SweepReport, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s := &once{
		core:     newCore(o),
		queue:    workqueue.NewTypedDelayingQueue[SessionKey](),
		until:    time.Now().Add(timeout),
		progress: progress,
		open:     map[SessionKey]Outcome{},
	}
	s.reconciler = s.core.reconciler(s.queue.Add)
	defer s.reconciler.effects.stopper.wait()
	defer cancel()
	return s.run(ctx)
}

func (s *once) run(ctx context.Context) (SweepReport, error) {
	defer s.queue.ShutDown()
	swept, err := s.core.sweeper.sweep(ctx, nominates(s.core.memory, func(key SessionKey) error {
		s.open[key] = Outcome{}
		return nil
	}))
	if err != nil {
		return SweepReport{}, err
	}
	s.report.Sweep, s.state.Found = swept, len(s.open)
	for key := range s.open {
		s.queue.Add(key)
	}
	if len(s.open) > 0 {
		s.work(ctx)
	}
	s.leave()
	return s.report, nil
}

// work runs the workers until nothing is open or ctx ends.
func (s *once) work(ctx context.Context) {
	stop := context.AfterFunc(ctx, s.queue.ShutDown)
	defer stop()
	var workers sync.WaitGroup
	for range s.core.Workers {
		workers.Go(func() {
			for {
				key, shutdown := s.queue.Get()
				if shutdown || ctx.Err() != nil {
					return
				}
				s.finish(ctx, key, s.reconciler.pass(ctx, key))
				s.queue.Done(key)
			}
		})
	}
	workers.Wait()
}

// finish decides what becomes of a key after a pass: it is closed, or it comes again.
func (s *once) finish(ctx context.Context, key SessionKey, out Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Facts.Row.ID = string(key)
	s.report.Effects += out.Effects
	if out.Stopping {
		s.report.Effects++
	}
	wait := s.reconciler.again(ctx, key, out)
	_, waiting := s.open[key]
	late := time.Now().Add(wait).After(s.until)
	switch {
	case !waiting:
	case out.Stopping:
		s.open[key] = out
	case errors.Is(out.Err, errDryRun):
		s.report.Left = append(s.report.Left, out)
		delete(s.open, key)
	case out.Err == nil && !out.Verdict.Drift() && out.Verdict.Action != Retry:
		s.state.Settled++
		delete(s.open, key)
	case out.Err == nil && out.Verdict.Drift() && late:
		s.report.Pending = append(s.report.Pending, out)
		delete(s.open, key)
	default:
		s.open[key] = out
		s.queue.AddAfter(key, wait)
	}
	s.tell()
	if len(s.open) == 0 {
		s.queue.ShutDown()
	}
}

// tell reports progress. s.mu is held.
func (s *once) tell() {
	if s.progress == nil {
		return
	}
	s.state.Waiting = 0
	for _, out := range s.open {
		if out.Stopping || out.Verdict.Wait > 0 {
			s.state.Waiting++
		}
	}
	s.progress(s.state)
}

// leave sorts what is still open when the time is over, and puts the report in order.
func (s *once) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, out := range s.open {
		out.Facts.Row.ID = string(key)
		switch {
		case out.Err != nil && !errors.Is(out.Err, context.DeadlineExceeded) && !errors.Is(out.Err, dockerwatch.ErrRefused):
			s.report.Failed = append(s.report.Failed, out)
		case out.Verdict.Drift() && out.Verdict.Wait > 0:
			s.report.Pending = append(s.report.Pending, out)
		default:
			s.report.Left = append(s.report.Left, out)
		}
	}
	for _, list := range [][]Outcome{s.report.Pending, s.report.Left, s.report.Failed} {
		slices.SortFunc(list, func(a, b Outcome) int { return cmp.Compare(a.Facts.Row.ID, b.Facts.Row.ID) })
	}
}
