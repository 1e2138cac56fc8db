package controllers

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/internal/wait"
)

// maxRounds bounds the sweeps of [SweepOnce]. What one round has done can leave something for the next (a session that
// failed leaves a second container without a row), and that ends after two or three.
const maxRounds = 5

// Progress is where a one-shot sweep stands.
type Progress struct {
	// Settled of Found sessions and containers need nothing more; Waiting ones are inside a grace, or being stopped.
	Found, Settled, Waiting int
}

// Item is a session, or a container that no row claims, with which a one-shot sweep was not finished.
type Item struct {
	// Session is the session's id, for a container the one that it belongs to.
	Session string
	// Container is its name or, where that is not known, what the row claims or the container's id.
	Container string
	// Verdict is what was decided last and Intent what would become of it in the end.
	Verdict verdict.Verdict
	Intent  string
	// Err is why it could not be looked at or acted on; nil where it could.
	Err error
}

// SweepReport is how a one-shot sweep ended.
type SweepReport struct {
	// Sweep is what the sweep counted before anything was done.
	Sweep Sweep
	// Effects is how many effects were carried out.
	Effects int
	// Pending are adrift but inside a grace that does not end in time.
	Pending []Item
	// Left are due and not done: the time ran out, it was a dry run, or a guard stands before it.
	Left []Item
	// Failed could not be looked at or acted on.
	Failed []Item
	// Unverified is why no sweep could see what the effects have left behind; nil where one has.
	Unverified error
}

// once converges everything one time: what the controller does for ever, until nothing is left to do or to wait for.
type once struct {
	core       *core
	until      time.Time
	progress   func(Progress)
	sessions   *lane[verdict.SessionKey, verdict.SessionFacts]
	containers *lane[verdict.ContainerKey, verdict.ContainerFacts]

	mu      sync.Mutex
	open    int           // keys that are not finished
	settled chan struct{} // closed when none is left
	state   Progress
	told    time.Time // when progress was last told
	report  SweepReport
}

// SweepOnce converges everything once and returns what came of it. It waits for graces that end within timeout. The
// error is that of the sweep itself, when the engine or the database could not be read at all. progress may be nil; it
// is called from several goroutines, one at a time.
func SweepOnce(ctx context.Context, o Options, timeout time.Duration, progress func(Progress)) (SweepReport, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s := &once{core: newCore(o), until: time.Now().Add(timeout), progress: progress}
	defer s.core.wait()
	defer s.core.stopper.Wait()
	defer cancel()
	if err := s.core.gate.Check(ctx); err != nil && !o.DryRun {
		return SweepReport{}, err
	}
	s.containers = newLane(s, s.core.containerWorkers(), s.core.containerReconciler)
	s.sessions = newLane(s, s.core.Workers, func(
		q keyQueue[verdict.SessionKey],
	) *reconciler[verdict.SessionKey, verdict.SessionFacts] {
		return s.core.sessionReconciler(q, s.containers)
	})
	return s.run(ctx)
}

func (s *once) run(ctx context.Context) (SweepReport, error) {
	for round := range maxRounds {
		before := s.report.Effects
		s.settled = make(chan struct{})
		swept, err := s.sweep(ctx)
		if round == 0 {
			s.report.Sweep = swept
			if err != nil {
				return SweepReport{}, err
			}
		}
		if err != nil && ctx.Err() == nil {
			s.report.Unverified = err
		}
		if err == nil && s.open > 0 {
			s.work(ctx)
		}
		if err != nil || ctx.Err() != nil || s.report.Effects == before {
			break // what a later sweep could not see, the next run sees
		}
	}
	s.sessions.reportOpen()
	s.containers.reportOpen()
	for _, list := range [][]Item{s.report.Pending, s.report.Left, s.report.Failed} {
		slices.SortFunc(list, func(a, b Item) int {
			return cmp.Or(cmp.Compare(a.Session, b.Session), cmp.Compare(a.Container, b.Container))
		})
	}
	return s.report, nil
}

// sweep opens what a sweep finds.
func (s *once) sweep(ctx context.Context) (Sweep, error) {
	var found sweep.Nominees
	swept, err := s.core.sweeper.Sweep(ctx, found.Callbacks(s.core.sessionTracker))
	return swept, errors.Join(err, found.HandOn(ctx, s.sessions.fresh, s.containers.fresh))
}

// work runs the workers until nothing is open or ctx ends, and sweeps beside them where that is asked for.
func (s *once) work(ctx context.Context) {
	var workers sync.WaitGroup
	s.sessions.start(ctx, &workers)
	s.containers.start(ctx, &workers)
	for working := true; working; {
		select {
		case <-s.settled:
			working = false
		case <-ctx.Done():
			working = false
		case <-s.core.requests.Sweeps():
			s.sweepBeside(ctx)
		}
	}
	s.sessions.shutDown()
	s.containers.shutDown()
	workers.Wait()
}

// sweepBeside sweeps for the keys that wait for the counts of a sweep, and asks for another one where it fails.
func (s *once) sweepBeside(ctx context.Context) {
	s.mu.Lock()
	if s.open == 0 { // the request was made before the last key was settled
		s.mu.Unlock()
		return
	}
	s.open++ // nothing is settled before the keys that it finds are open
	s.mu.Unlock()
	if _, err := s.sweep(ctx); err != nil {
		s.core.requests.Sweep()
	}
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	wait.For(ctx, sweepPause, s.settled)
}

// close notes that one key is finished. s.mu is held.
func (s *once) close() {
	if s.open--; s.open == 0 {
		close(s.settled)
	}
}

// tellEvery is how often progress is told: more often it cannot be read.
const tellEvery = 100 * time.Millisecond

// tell reports progress. s.mu is held.
func (s *once) tell() {
	if s.progress == nil || (time.Since(s.told) < tellEvery && s.open > 0) {
		return
	}
	s.told = time.Now()
	s.progress(s.state)
}
