package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/engine"
)

// A stalled call is answered as usual when the engine goes on, also where it was the last one concerned.
func TestAStallThatEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		times int
		all   bool
	}{{"its own end", 0, false}, {"the end of all troubles", 0, true}, {"one call", 1, false}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine.New("stalled")
				watch, end := piped(t, e, time.Minute)
				defer end()
				id, _ := e.Run(engine.Spec{})
				heal := e.Add(engine.Trouble{Kind: engine.Stall, Op: engine.OpInspect, Times: tt.times})
				if tt.all {
					heal = e.Heal
				}
				begun := time.Now()
				time.AfterFunc(20*time.Second, heal)
				seen, err := watch.Observe(t.Context(), id)
				if took := time.Since(begun); err != nil || seen.Phase != dockerwatch.Running || took != 20*time.Second {
					t.Errorf("after %s: %s, %v", took, seen.Phase, err)
				}
			})
		})
	}
}

// What becomes of a stalled removal whose caller has given up.
func TestAStallThatIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprint("late ", late), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := engine.New("stalled")
				watch, end := piped(t, e, time.Second)
				defer end()
				id, _ := e.Create(engine.Spec{})
				heal := e.Add(engine.Trouble{Kind: engine.Stall, Op: engine.OpRemove, Late: late})
				err := watch.Remove(t.Context(), id, dockerwatch.RemoveOptions{})
				if _, there := e.Look(id); !there || !errors.Is(err, dockerwatch.ErrTimeout) {
					t.Errorf("stalled: %v, there %t", err, there)
				}
				synctest.Wait() // the engine hears of it
				heal()
				synctest.Wait()
				if _, there := e.Look(id); there == late {
					t.Errorf("healed: there %t", there)
				}
			})
		})
	}
}

// piped is the real client of an engine in a bubble, and what ends both.
func piped(t *testing.T, e *engine.Engine, timeout time.Duration) (c *dockerwatch.Engine, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	dial, served := e.Pipes(ctx)
	c, err := dockerwatch.New(dockerwatch.Config{
		Host: "unix:///pipe", Dial: dial, Timeout: timeout, Getenv: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, func() {
		_ = c.Close()
		cancel()
		served()
	}
}
