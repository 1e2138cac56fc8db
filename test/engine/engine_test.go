package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/engine"
)

// hung is how long a call is waited for that never gets an answer.
const hung = 300 * time.Millisecond

// client is the real client of an engine, which waits so long for each answer.
func client(t *testing.T, e *engine.Engine, timeout time.Duration) *dockerwatch.Engine {
	t.Helper()
	c, err := dockerwatch.New(dockerwatch.Config{
		Host: listen(t, e), Timeout: timeout, Getenv: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAHundredThousandContainers(t *testing.T) {
	t.Parallel()
	e := engine.New("big")
	const many = 100_000
	ids := e.Populate(many, func(i int) engine.Spec { return engine.Spec{Name: fmt.Sprintf("c-%d", i)} })
	watch, err := dockerwatch.New(dockerwatch.Config{Host: listen(t, e), Timeout: 5 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = watch.Close() }()
	listed, err := watch.List(t.Context())
	if err != nil || len(listed.Containers) != many || len(ids) != many {
		t.Fatalf("listed %d of %d: %v", len(listed.Containers), len(ids), err)
	}
	seen, err := watch.Observe(t.Context(), ids[many/2])
	if err != nil || seen.Name != fmt.Sprintf("c-%d", many/2) {
		t.Errorf("got %+v, %v", seen, err)
	}
}

func TestTroubles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		trouble engine.Trouble
		want    error // nil: any error, as long as it is one
		ok      bool
	}{
		{engine.Trouble{Kind: engine.Slow, Delay: time.Millisecond}, nil, true},
		{engine.Trouble{Kind: engine.Hang}, dockerwatch.ErrTimeout, false},
		{engine.Trouble{Kind: engine.Stall}, dockerwatch.ErrTimeout, false},
		{engine.Trouble{Kind: engine.Refuse}, dockerwatch.ErrUnreachable, false},
		{engine.Trouble{Kind: engine.Fail}, nil, false},
		{engine.Trouble{Kind: engine.Stranger}, dockerwatch.ErrUnreachable, false},
		{engine.Trouble{Kind: engine.NotFound}, dockerwatch.ErrUnreachable, false},
		{engine.Trouble{Kind: engine.Cut}, dockerwatch.ErrUnreachable, false},
	} {
		t.Run(string(tt.trouble.Kind), func(t *testing.T) {
			t.Parallel()
			e := engine.New("troubled")
			timeout := patience
			if errors.Is(tt.want, dockerwatch.ErrTimeout) {
				timeout = hung
			}
			watch := client(t, e, timeout)
			id, _ := e.Run(engine.Spec{})
			tt.trouble.Op = engine.OpInspect
			heal := e.Add(tt.trouble)
			_, err := watch.Observe(t.Context(), id)
			if (err == nil) != tt.ok || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			heal()
			seen, err := client(t, e, patience).Observe(t.Context(), id)
			if err != nil || seen.Phase != dockerwatch.Running {
				t.Errorf("healed: %s, %v", seen.Phase, err)
			}
		})
	}
}

func TestWhatTheWitnessIsTold(t *testing.T) {
	t.Parallel()
	e := engine.New("witnessed")
	watch := client(t, e, patience)
	id, _ := e.Run(engine.Spec{})
	var told []engine.Happening
	e.Witness(func(h engine.Happening) { told = append(told, h) })
	err := errors.Join(watch.Stop(t.Context(), id, 7*time.Second),
		watch.Remove(t.Context(), id, dockerwatch.RemoveOptions{Volumes: true}))
	if err != nil || len(told) != 2 {
		t.Fatalf("told %+v, %v", told, err)
	}
	if h := told[0]; h.Op != engine.OpStop || h.Grace != 7*time.Second || h.Container.Status != engine.Running {
		t.Errorf("of the stop: %+v", h)
	}
	if h := told[1]; h.Op != engine.OpRemove || !h.Volumes || h.Force || h.Container.Status != engine.Exited {
		t.Errorf("of the removal: %+v", h)
	}
}

// An engine with another root directory is another one, whatever ID it says, and its containers are others.
func TestContainersOfTwoEnginesWithOneID(t *testing.T) {
	t.Parallel()
	ids := map[string]string{}
	for _, root := range []string{"/var/lib/docker", "/mnt/docker"} {
		for _, name := range []string{"one", "other"} {
			e := engine.New(name)
			e.SetIdentity("one", root)
			for range 3 {
				id, err := e.Create(engine.Spec{})
				if err != nil || ids[id] != "" {
					t.Errorf("%s in %s has the id of one of %s, %v", name, root, ids[id], err)
				}
				ids[id] = name + " in " + root
			}
		}
	}
}

func TestAnAnswerThatIsLost(t *testing.T) {
	t.Parallel()
	e := engine.New("lost")
	watch := client(t, e, patience)
	id, _ := e.Create(engine.Spec{})
	e.Add(engine.Trouble{Kind: engine.Refuse, Op: engine.OpRemove, After: true, Times: 1})
	if err := watch.Remove(t.Context(), id, dockerwatch.RemoveOptions{}); err == nil {
		t.Error("the answer came")
	}
	if _, there := e.Look(id); there {
		t.Error("the container was not removed")
	}
}

func TestContainersInTrouble(t *testing.T) {
	t.Parallel()
	e := engine.New("containers")
	watch := client(t, e, patience)
	wedged, _ := e.Run(engine.Spec{})
	busy, _ := e.Create(engine.Spec{})
	if err := errors.Join(e.Wedge(wedged, true), e.FailRemovals(busy, true)); err != nil {
		t.Fatal(err)
	}
	if _, err := client(t, e, hung).Observe(t.Context(), wedged); !errors.Is(err, dockerwatch.ErrTimeout) {
		t.Errorf("inspect of a wedged container: %v", err)
	}
	if err := watch.Remove(t.Context(), busy, dockerwatch.RemoveOptions{}); err == nil {
		t.Error("a removal that must fail did not")
	}
	if seen, err := watch.Observe(t.Context(), busy); err != nil || seen.Phase != dockerwatch.Dead {
		t.Errorf("after it: %s, %v", seen.Phase, err)
	}
	if err := errors.Join(e.Wedge(wedged, false), e.FailRemovals(busy, false)); err != nil {
		t.Fatal(err)
	}
	if err := watch.RemoveDead(t.Context(), busy, dockerwatch.RemoveOptions{}); err != nil {
		t.Error(err)
	}
}

// In a bubble, over pipes: what is dropped, doubled, late, held and lost of the events, and what an outage does.
func TestStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := engine.New("streams")
		ctx, cancel := context.WithCancel(t.Context())
		dial, served := e.Pipes(ctx)
		watch, err := dockerwatch.New(dockerwatch.Config{
			Host: "unix:///pipe", Dial: dial, Getenv: func(string) string { return "" },
		})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var heard []dockerwatch.Action
		broken := 0
		watcher := dockerwatch.NewWatcher(watch, dockerwatch.NewHistory(), dockerwatch.WatchHandlers{
			Event: func(ev dockerwatch.Event) {
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, ev.Action)
			},
			Disconnected: func(error) {
				mu.Lock()
				defer mu.Unlock()
				broken++
			},
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = watcher.Run(ctx)
		}()
		synctest.Wait()
		wantHeard := func(want ...dockerwatch.Action) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(heard, want) {
				t.Errorf("heard %v, want %v", heard, want)
			}
			heard = nil
		}
		id, _ := e.Run(engine.Spec{})
		wantHeard("create", "start")

		e.Deliver(func(action, _ string) []time.Duration {
			return map[string][]time.Duration{"pause": {time.Second}, "unpause": {0}, "rename": nil}[action]
		})
		_ = errors.Join(e.Pause(id), e.Unpause(id), e.Rename(id, "other"))
		wantHeard("unpause")
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock
		wantHeard("pause")
		e.Deliver(nil)

		e.FreezeStreams(true)
		_ = e.Exit(id, 1)
		wantHeard()
		e.FreezeStreams(false)
		wantHeard("die")

		e.CutStreams()
		_ = e.Start(id)
		time.Sleep(time.Second) //nolint:forbidigo // as above
		wantHeard("start")
		if broken != 1 {
			t.Errorf("the stream broke %d times", broken)
		}

		e.Crash()
		_ = e.Exit(id, 1)
		time.Sleep(time.Minute) //nolint:forbidigo // as above
		e.Boot(false)
		time.Sleep(2 * time.Second) //nolint:forbidigo // as above
		wantHeard()
		if c, _ := e.Look(id); c.Status != engine.Exited || broken != 2 {
			t.Errorf("after the outage %s, the stream broke %d times", c.Status, broken)
		}
		cancel()
		<-done
		served()
		_ = watch.Close()
	})
}

// A data root that was wiped: the containers are gone, their names are free, and no event tells of it.
func TestAnEngineThatHasLostEverythingSaysNothingOfIt(t *testing.T) {
	t.Parallel()
	e := engine.New("engine")
	for _, spec := range []engine.Spec{{Name: "web", RestartPolicy: "always"}, {Name: "rm", AutoRemove: true}} {
		if _, err := e.Run(spec); err != nil {
			t.Fatal(err)
		}
	}
	e.Crash()
	e.Lose()
	e.Boot(false)
	if all := e.All(); len(all) != 0 {
		t.Errorf("%d containers are left", len(all))
	}
	watch := client(t, e, time.Minute)
	moments, err := watch.RecentEvents(t.Context(), time.Time{})
	if err != nil || len(moments) != 0 {
		t.Errorf("it remembers %+v, %v", moments, err)
	}
	if _, err := e.Run(engine.Spec{Name: "web"}); err != nil {
		t.Errorf("a container of a name that was lost: %v", err)
	}
}

func TestAnEngineThatIsDownDoesNothingForAnybody(t *testing.T) {
	t.Parallel()
	e := engine.New("engine")
	id, err := e.Create(engine.Spec{Name: "made"})
	if err != nil {
		t.Fatal(err)
	}
	e.Crash()
	_, created := e.Create(engine.Spec{Name: "new"})
	for what, err := range map[string]error{
		"create": created, "start": e.Start(id), "rename": e.Rename(id, "other"), "remove": e.Remove(id, true),
	} {
		if err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s = %v, want what a refused connection says", what, err)
		}
	}
	c, there := e.Look("made")
	if all := e.All(); !there || c.Status != engine.Created || len(all) != 1 {
		t.Errorf("there are %d containers, and the one is %+v: want it as it was", len(all), c)
	}
	e.Boot(true)
	if err := e.Start(id); err != nil {
		t.Errorf("start after the engine is back = %v", err)
	}
}
