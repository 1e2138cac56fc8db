package apply

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// slowEngine takes an hour to stop a container, which a real one does only for a process that is stuck.
type slowEngine struct {
	Engine

	stops chan string
}

func (e slowEngine) Stop(ctx context.Context, id string, _ time.Duration) error {
	e.stops <- id
	select {
	case <-time.After(time.Hour):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestStopperStopsEachContainerOnceAndPutsItsKeyBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := slowEngine{stops: make(chan string, 2*stopsAtOnce)}
		back := make(chan error, 2*stopsAtOnce)
		s := newStopper(engine, nil)
		begin := func(id string) error {
			return s.begin(t.Context(), logr.Discard(), verdict.SessionEnded, id, time.Second, func(err error) { back <- err })
		}

		for range 2 { // two ended sessions may claim one container
			if err := begin(thisID); !errors.Is(err, ErrStopping) {
				t.Fatalf("got %v, want that the container is being stopped", err)
			}
		}
		synctest.Wait()
		if n := len(engine.stops); n != 1 {
			t.Errorf("asked the engine %d times to stop one container", n)
		}
		for n := range stopsAtOnce - 1 {
			if err := begin(strings.Repeat("a", n+1)); !errors.Is(err, ErrStopping) {
				t.Fatalf("stop %d: %v", n, err)
			}
		}
		if err := begin("one too many"); !errors.Is(err, ErrBusy) {
			t.Errorf("got %v, want that too many stops are under way", err)
		}
		for range stopsAtOnce + 1 { // everybody who asked is told of the end
			if err := <-back; err != nil {
				t.Errorf("told of a stop that failed: %v", err)
			}
		}
		synctest.Wait()
		if n := len(back); n != 0 {
			t.Errorf("%d were told of the end twice", n)
		}
		if err := begin(thisID); !errors.Is(err, ErrStopping) {
			t.Errorf("got %v, want that a container can be stopped again", err)
		}
		s.Wait()
	})
}

func TestStopperLetsGoWhenTheProcessEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := newStopper(slowEngine{stops: make(chan string, 1)}, nil)
		begin := func() error {
			return s.begin(ctx, logr.Discard(), verdict.SessionEnded, thisID, time.Second, func(error) {})
		}
		_ = begin()
		began := time.Now()
		cancel()
		s.Wait()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("waited %s for a stop inside the engine", waited)
		}
		if err := begin(); !errors.Is(err, context.Canceled) {
			t.Errorf("began a stop while the process ends: %v", err)
		}
	})
}

// At the end of the process a pass may be at its last step: either its stop is waited for, or it does not begin.
func TestNoStopBeginsOnceStopsAreWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStopper(slowEngine{stops: make(chan string, 1)}, nil)
		ended, begun := make(chan struct{}), make(chan error, 1)
		go func() {
			s.Wait()
			close(ended)
		}()
		told := false
		go func() {
			begun <- s.begin(t.Context(), logr.Discard(), verdict.SessionEnded, thisID, time.Second, func(error) { told = true })
		}()
		err := <-begun
		<-ended
		if errors.Is(err, ErrStopping) != told {
			t.Errorf("begin returned %v, and the end of the wait was after that of the stop: %t", err, told)
		}
		err = s.begin(t.Context(), logr.Discard(), verdict.SessionEnded, thisID, 0, func(error) {})
		if !errors.Is(err, errEnding) {
			t.Errorf("began a stop that nobody waits for: %v", err)
		}
	})
}
