package apply

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// stopsAtOnce bounds the stops under way. A stop costs one connection and waits; the engine itself stops containers of
// a whole host in parallel, and 64 of them with 10 s each clear 10,000 containers that ignore SIGTERM within half an
// hour.
const stopsAtOnce = 64

// Stopper runs stops beside the workers, so that a container that ignores its stop signal delays no other session.
type Stopper struct {
	engine  Engine
	metrics *metrics.Metrics

	slots chan struct{}
	mu    sync.Mutex
	// stopping holds, by full id, who is to be told when a stop has ended.
	stopping map[string][]func(error)
	// over says that no stop begins any more.
	over    bool
	running sync.WaitGroup
}

func newStopper(engine Engine, metrics *metrics.Metrics) *Stopper {
	return &Stopper{
		engine: engine, metrics: metrics,
		slots: make(chan struct{}, stopsAtOnce), stopping: map[string][]func(error){},
	}
}

// begin starts to stop a container and returns ErrStopping, or ErrBusy, or errEnding. The caller has just read the row
// and looked at the container. done is told when the stop has ended, well or not, for everybody who asked for it: the
// next look says what came of it. Ending ctx abandons the wait, not the stop inside the engine.
func (s *Stopper) begin(
	ctx context.Context, log logr.Logger, reason verdict.Reason, id string, grace time.Duration, done func(error),
) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stop container %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return fmt.Errorf("stop container %s: %w", id, errEnding)
	}
	if waiting := s.stopping[id]; len(waiting) > 0 {
		s.stopping[id] = append(waiting, done)
		return ErrStopping
	}
	select {
	case s.slots <- struct{}{}:
	default:
		return ErrBusy
	}
	s.stopping[id] = []func(error){done}
	s.running.Go(func() {
		err := s.stop(ctx, log, reason, id, grace)
		s.mu.Lock()
		waiting := s.stopping[id]
		delete(s.stopping, id)
		s.mu.Unlock()
		<-s.slots
		for _, done := range waiting {
			done(err)
		}
	})
	return ErrStopping
}

// Count is how many containers are being stopped.
func (s *Stopper) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.stopping)
}

func (s *Stopper) stop(
	ctx context.Context, log logr.Logger, reason verdict.Reason, id string, grace time.Duration,
) error {
	began := time.Now()
	err := s.engine.Stop(ctx, id, grace)
	if ctx.Err() != nil {
		return err
	}
	s.metrics.Effect(verdict.Verdict{Action: verdict.Stop, Reason: reason}, err)
	if err == nil {
		log.Info("Container stopped", "took", time.Since(began).String())
	}
	return err
}

// Wait lets no stop begin any more and returns when none is under way. A pass that is at its last step while the
// process is told to end would otherwise begin one that the end of the process does not wait for.
func (s *Stopper) Wait() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.running.Wait()
}
