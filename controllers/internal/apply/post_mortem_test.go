package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
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
	if err := p.write(t.Context(), logr.Discard(), c, false); !errors.Is(err, sessiondb.ErrConflict) {
		t.Errorf("after a call of the engine it says %v, want that the look is old", err)
	}
	if err := p.write(t.Context(), logr.Discard(), c, false); err != nil || engine.asked != 1 {
		t.Errorf("asked %d times, want once: %v", engine.asked, err)
	}
	if err := newPostMortems(engine, 0).write(t.Context(), logr.Discard(), c, false); err != nil || engine.asked != 1 {
		t.Errorf("output was asked for that nobody wants: %v", err)
	}
	c.FinishedAt = time.Now() // somebody started it to have a look
	if err := p.write(t.Context(), logr.Discard(), c, false); !errors.Is(err, sessiondb.ErrConflict) || engine.asked != 2 {
		t.Errorf("asked %d times, want once for each end: %v", engine.asked, err)
	}
}

// slowMouth answers when it is told to.
type slowMouth struct {
	mouth

	answer chan struct{}
}

func (m *slowMouth) Output(ctx context.Context, c dockerwatch.Observation, lines int) ([]string, error) {
	<-m.answer
	return m.mouth.Output(ctx, c, lines)
}

// Of two sessions that share a container one must not remove it while the other asks for its last words.
func TestNobodyRemovesWhatIsAskedForItsOutput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := &slowMouth{answer: make(chan struct{})}
		p := newPostMortems(engine, 1)
		c := dockerwatch.Observation{ID: thisID, Phase: dockerwatch.Exited}
		go func() { _ = p.write(t.Context(), logr.Discard(), c, false) }()
		synctest.Wait()
		if err := p.write(t.Context(), logr.Discard(), c, false); !errors.Is(err, ErrBusy) {
			t.Errorf("while another one is at it, it says %v", err)
		}
		engine.answer <- struct{}{}
		synctest.Wait()
		if err := p.write(t.Context(), logr.Discard(), c, false); err != nil {
			t.Errorf("after that it says %v", err)
		}
	})
}

// A pass that panics is ended, and tried again: the container must not count as being written down for ever.
func TestWhatWasNotWrittenDownIsTriedAgain(t *testing.T) {
	t.Parallel()
	p := newPostMortems(nil, 1) // and the call of no engine panics
	c := dockerwatch.Observation{ID: thisID, Phase: dockerwatch.Exited}
	func() {
		defer func() { _ = recover() }()
		_ = p.write(t.Context(), logr.Discard(), c, false)
		t.Error("it should have panicked")
	}()
	p.engine = &mouth{}
	if err := p.write(t.Context(), logr.Discard(), c, false); !errors.Is(err, sessiondb.ErrConflict) {
		t.Errorf("the next pass says %v", err)
	}
}

func TestALineSaysThatOutputWasNotAskedFor(t *testing.T) {
	t.Parallel()
	p := newPostMortems(&mouth{}, 1)
	p.hung(dockerwatch.ErrTimeout)
	var line string
	log := funcr.New(func(_, args string) { line = args }, funcr.Options{})
	if err := p.write(t.Context(), log, dockerwatch.Observation{ID: thisID}, false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(line, "nooutput") {
		t.Errorf("the line is %s", line)
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
				c := dockerwatch.Observation{ID: fmt.Sprintf("%064d", i)}
				if err := p.write(t.Context(), logr.Discard(), c, false); err != nil && !errors.Is(err, sessiondb.ErrConflict) {
					t.Error(err)
				}
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
