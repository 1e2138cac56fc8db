package dockerwatch_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

func TestStop(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason  string
		run     testenv.Container
		then    func(t *testing.T, id string)
		grace   time.Duration
		code    int
		atLeast time.Duration
	}{
		{reason: "SIGTERM ends it", grace: patience, code: 143},
		{reason: "a paused one is stopped, too", then: pause, grace: time.Second, code: 137, atLeast: 0},
		{
			reason: "one that ignores SIGTERM is killed after the grace, whole seconds rounded up",
			run:    testenv.Container{Cmd: []string{"/workload", "ignore-term"}},
			grace:  1100 * time.Millisecond, code: 137, atLeast: 2 * time.Second,
		},
		{
			reason: "no grace kills at once",
			run:    testenv.Container{Cmd: []string{"/workload", "ignore-term"}}, grace: -time.Second, code: 137,
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			engine := realEngine(t)
			id := testenv.Run(t, c.run)
			if c.then != nil {
				c.then(t, id)
			}
			begun := time.Now()
			if err := engine.Stop(t.Context(), id, c.grace); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begun); took < c.atLeast {
				t.Errorf("it took %s, want at least %s", took, c.atLeast)
			}
			got, err := engine.Observe(t.Context(), id)
			if err != nil || got.Phase != dockerwatch.Exited {
				t.Fatalf("after the stop it is %s, %v", got.Phase, err)
			}
			if got.ExitCode != c.code && c.then == nil {
				t.Errorf("exit code %d, want %d", got.ExitCode, c.code)
			}
			if err := engine.Stop(t.Context(), id, c.grace); err != nil {
				t.Errorf("stop of a stopped one: %v", err)
			}
		})
	}
}

func TestStopOfWhatIsGone(t *testing.T) {
	t.Parallel()

	engine := realEngine(t)
	if err := engine.Stop(t.Context(), otherID, time.Second); err != nil {
		t.Errorf("stop of one that never was: %v", err)
	}
	id := testenv.Run(t, testenv.Container{AutoRemove: true})
	if err := engine.Stop(t.Context(), id, patience); err != nil {
		t.Errorf("stop of one that the engine removes when it ends: %v", err)
	}
	becomes(t, engine, id, dockerwatch.Gone)
}

// Without force the engine itself refuses whatever could run, and nothing happens to it.
func TestRemoveIsRefused(t *testing.T) {
	t.Parallel()

	restarting := testenv.Container{Cmd: []string{"/workload", "exit", "1"}, RestartPolicy: "always"}
	cases := []struct {
		reason string
		run    testenv.Container
		then   func(t *testing.T, id string)
		phase  dockerwatch.Phase
	}{
		{"running", testenv.Container{}, nil, dockerwatch.Running},
		{"paused", testenv.Container{}, pause, dockerwatch.Paused},
		{"restarting", restarting, func(t *testing.T, id string) {
			t.Helper()
			// The engine waits twice as long before each restart: after the fifth for more than a second.
			eventually(t, "it waits long enough to be seen", func(ctx context.Context) bool {
				seen, err := realEngine(t).Observe(ctx, id)
				return err == nil && seen.RestartCount >= 5 && seen.Phase == dockerwatch.Restarting
			})
		}, dockerwatch.Restarting},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			engine := realEngine(t)
			id := testenv.Run(t, c.run)
			if c.then != nil {
				c.then(t, id)
			}
			isOnly(t, engine.Remove(t.Context(), id, dockerwatch.RemoveOptions{}), dockerwatch.ErrRefused)
			isOnly(t, engine.RemoveDead(t.Context(), id, dockerwatch.RemoveOptions{}), dockerwatch.ErrRefused)
			if got, err := engine.Observe(t.Context(), id); err != nil || !got.Phase.Alive() {
				t.Errorf("after the refusals it is %s, %v, want %s", got.Phase, err, c.phase)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()

	for reason, run := range map[string]testenv.Container{
		"one that ended":             {Cmd: []string{"/workload", "exit", "0"}},
		"one that was never started": {NoStart: true},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			engine := realEngine(t)
			id := testenv.Run(t, run)
			eventually(t, "it is down", func(ctx context.Context) bool {
				seen, err := engine.Observe(ctx, id)
				return err == nil && !seen.Phase.Alive()
			})
			isOnly(t, engine.RemoveDead(t.Context(), id, dockerwatch.RemoveOptions{}), dockerwatch.ErrRefused)
			if err := engine.Remove(t.Context(), id, dockerwatch.RemoveOptions{Volumes: true}); err != nil {
				t.Errorf("remove: %v", err)
			}
			isOnly(t, engine.Remove(t.Context(), id, dockerwatch.RemoveOptions{Volumes: true}), dockerwatch.ErrNotThere)
			if got, err := engine.Observe(t.Context(), id); err != nil || got.Phase != dockerwatch.Gone {
				t.Errorf("after the removal it is %s, %v", got.Phase, err)
			}
			isOnly(t, engine.RemoveDead(t.Context(), id, dockerwatch.RemoveOptions{}), dockerwatch.ErrNotThere)
		})
	}
}

// A name can be used again, so nothing is stopped or removed by name or by a part of an id; the engine is not asked.
func TestEffectsNeedAFullID(t *testing.T) {
	t.Parallel()

	engine := fakeEngine(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the engine was called: %s %s", r.Method, r.URL)
	})
	for _, ref := range []string{"", "web", someID[:12], "/" + someID, someID + "0"} {
		isOnly(t, engine.Stop(t.Context(), ref, 0), dockerwatch.ErrInvalidReference)
		isOnly(t, engine.Remove(t.Context(), ref, dockerwatch.RemoveOptions{}), dockerwatch.ErrInvalidReference)
	}
}

// What exactly is sent: never force, unless a fresh look said dead.
func TestEffectsOnTheWire(t *testing.T) {
	t.Parallel()

	remove := func(opts dockerwatch.RemoveOptions) func(context.Context, *dockerwatch.Engine) error {
		return func(ctx context.Context, e *dockerwatch.Engine) error { return e.Remove(ctx, someID, opts) }
	}
	removeDead := func(ctx context.Context, e *dockerwatch.Engine) error {
		return e.RemoveDead(ctx, someID, dockerwatch.RemoveOptions{Volumes: true})
	}
	stop := func(grace time.Duration) func(context.Context, *dockerwatch.Engine) error {
		return func(ctx context.Context, e *dockerwatch.Engine) error { return e.Stop(ctx, someID, grace) }
	}
	const prefix = "/v1.41/containers/" + someID
	cases := []struct {
		reason string
		do     func(context.Context, *dockerwatch.Engine) error
		state  string
		want   string
		fails  error
	}{
		{"a removal", remove(dockerwatch.RemoveOptions{}), "exited", "DELETE " + prefix, nil},
		{"with volumes", remove(dockerwatch.RemoveOptions{Volumes: true}), "exited", "DELETE " + prefix + "?v=1", nil},
		{"a dead one is forced", removeDead, "dead", "DELETE " + prefix + "?force=1&v=1", nil},
		{"one that is being removed is not", removeDead, "removing", "", dockerwatch.ErrRefused},
		{"nor one that restarts", removeDead, "restarting", "", dockerwatch.ErrRefused},
		{"a stop", stop(10 * time.Second), "running", "POST " + prefix + "/stop?t=10", nil},
		{"a grace is rounded up", stop(time.Millisecond), "running", "POST " + prefix + "/stop?t=1", nil},
		{"a negative grace would mean never to kill", stop(-time.Second), "running", "POST " + prefix + "/stop?t=0", nil},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Value
			sent.Store("")
			engine := fakeEngine(t, named(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, inspected("running", c.state))
					return
				}
				sent.Store(r.Method + " " + r.URL.String())
				w.WriteHeader(http.StatusNoContent)
			}))
			err := c.do(t.Context(), engine)
			if c.fails != nil {
				isOnly(t, err, c.fails)
			} else if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(c.want, sent.Load()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// An answer that is not the engine's own word is no removal and no stop.
func TestEffectsAreNeverMistaken(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		serve  http.HandlerFunc
		want   error // nil: a plain error
	}{
		{"a login page", says(200, "text/html", "<html>"), dockerwatch.ErrUnreachable},
		{"a redirect", http.RedirectHandler("/login", http.StatusFound).ServeHTTP, dockerwatch.ErrUnreachable},
		{"a proxy's 404", says(404, "text/html", "<html>"), dockerwatch.ErrUnreachable},
		{"a 404 about another container", engineSays(404, "No such container: "+otherID), dockerwatch.ErrUnreachable},
		{"a gateway's page", says(502, "text/html", "<html>"), dockerwatch.ErrUnreachable},
		{"a failure of the engine", engineSays(500, "driver failed to remove root filesystem"), nil},
		{
			"a removal that is under way",
			engineSays(409, "removal of container x is already in progress"), dockerwatch.ErrRefused,
		},
		{"no answer", drops, dockerwatch.ErrUnreachable},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			engine := fakeEngine(t, c.serve)
			isOnly(t, engine.Remove(t.Context(), someID, dockerwatch.RemoveOptions{}), c.want)
			isOnly(t, engine.Stop(t.Context(), someID, time.Second), c.want)
		})
	}
}
