package controllers

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// mouth is an engine that is only asked for output.
type mouth struct {
	Engine

	asked int
	err   error
}

func (m *mouth) Output(context.Context, dockerwatch.Observation, int) ([]string, error) {
	m.asked++
	return []string{"last words"}, m.err
}

func TestWhatWasLookedAtBeforeTheOutputIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	engine := &mouth{}
	p := newPostMortems(engine, 1)
	c := dockerwatch.Observation{ID: thisID, Phase: dockerwatch.Exited}
	if !p.write(t.Context(), logr.Discard(), c, false) {
		t.Error("the look was not called old after a call of the engine")
	}
	if p.write(t.Context(), logr.Discard(), c, false) || engine.asked != 1 {
		t.Errorf("asked %d times, want once", engine.asked)
	}
	if newPostMortems(engine, 0).write(t.Context(), logr.Discard(), c, false) || engine.asked != 1 {
		t.Error("output was asked for that nobody wants")
	}
}

// A log driver that hangs holds one worker for the time of one call, and not one for every container.
func TestOutputThatHangsIsNotAskedForAgainAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := &mouth{err: fmt.Errorf("read the output: %w", dockerwatch.ErrTimeout)}
		p := newPostMortems(engine, 1)
		remove := func(n int) { // so many containers
			for i := range n {
				p.write(t.Context(), logr.Discard(), dockerwatch.Observation{ID: fmt.Sprintf("%064d", i)}, false)
				p.forget(fmt.Sprintf("%064d", i))
			}
		}
		remove(100)
		if engine.asked != 1 {
			t.Errorf("asked %d times, want once", engine.asked)
		}
		<-time.After(outputMute + time.Second)
		engine.err = errors.New("its log driver keeps nothing")
		remove(3)
		if engine.asked != 4 {
			t.Errorf("a refusal is no hang: asked %d times in all, want 4", engine.asked)
		}
	})
}
