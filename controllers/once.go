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
	told   time.Time // when progress was last told
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
	s.reconciler = s.core.reconciler(s.queue.AddAfter)
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

// finish counts a pass and decides what becomes of its key: it is closed, or it comes again.
func (s *once) finish(ctx context.Context, key SessionKey, out Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, isOpen := s.open[key]
	s.report.Effects += out.Effects
	if out.Stopping {
		s.report.Effects++
	}
	if !isOpen || (out.Err != nil && ctx.Err() != nil) {
		return // the time is over: a pass that was cut short says nothing about the session
	}
	out.Facts.Row.ID = string(key)
	if waits(before) {
		s.state.Waiting--
	}
	delete(s.open, key)
	if s.stays(ctx, key, out) {
		s.open[key] = out
		if waits(out) {
			s.state.Waiting++
		}
	}
	s.tell()
	if len(s.open) == 0 {
		s.queue.ShutDown()
	}
}

// stays reports whether a key comes again, and reports what is known of it when it does not. s.mu is held.
func (s *once) stays(ctx context.Context, key SessionKey, out Outcome) bool {
	wait := s.reconciler.again(ctx, key, out)
	switch {
	case out.Stopping: // its end puts the key back
		return true
	case errors.Is(out.Err, errDryRun):
		s.report.Left = append(s.report.Left, out)
		return false
	case out.Err == nil && !out.Verdict.Drift() && out.Verdict.Action != Retry:
		s.state.Settled++
		return false
	case out.Err == nil && out.Verdict.Drift() && time.Now().Add(wait).After(s.until):
		s.report.Pending = append(s.report.Pending, out)
		return false
	default:
		s.queue.AddAfter(key, wait)
		return true
	}
}

// waits reports whether a session waits for a grace or for its container to be stopped.
func waits(out Outcome) bool { return out.Stopping || (out.Err == nil && out.Verdict.Wait > 0) }

// tellEvery is how often progress is told: more often nobody can read it.
const tellEvery = 100 * time.Millisecond

// tell reports progress. s.mu is held.
func (s *once) tell() {
	if s.progress == nil || (time.Since(s.told) < tellEvery && len(s.open) > 0) {
		return
	}
	s.told = time.Now()
	s.progress(s.state)
}

// leave sorts what is still open when the time is over, and puts the report in order.
func (s *once) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, out := range s.open {
		out.Facts.Row.ID = string(key)
		switch {
		case out.Err != nil && !errors.Is(out.Err, errBusy) && !errors.Is(out.Err, dockerwatch.ErrRefused):
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
