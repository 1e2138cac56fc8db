package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// privateEngine makes the world serve an engine of its own, which may be ended.
func (w *world) privateEngine(args ...string) (*testenv.Engine, *dockerwatch.Engine) {
	w.Helper()
	private := testenv.StartEngine(w.TB, args...)
	return private, w.servedBy(private)
}

// bothOnOne returns a world with each of the two databases, which share a private engine. To start one takes longer
// than most of what is shown of it.
func bothOnOne(t *testing.T, args ...string) (*testenv.Engine, []*world) {
	t.Helper()
	private := testenv.StartEngine(t, args...)
	both := []*world{
		newWorld(t, testenv.PostgresURL(t), "postgres"),
		newWorld(t, "file:"+filepath.Join(t.TempDir(), "sessions.db"), "sqlite"),
	}
	for _, w := range both {
		w.servedBy(private)
	}
	return private, both
}

// servedBy makes a private engine the one of the world.
func (w *world) servedBy(private *testenv.Engine) *dockerwatch.Engine {
	w.Helper()
	engine, err := dockerwatch.New(dockerwatch.Config{Host: private.Host()})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = engine.Close() })
	w.opts.Engine, w.opts.Identity = engine, ""
	w.engine, w.private, w.docker = engine, private, private.Docker()
	return engine
}

func TestAnEngineOutageHarmsNoSession(t *testing.T) {
	t.Parallel()
	private, both := bothOnOne(t)
	always, before := map[*world]string{}, map[*world]string{}
	for _, w := range both {
		always[w] = w.run(testenv.Container{RestartPolicy: "always"})
		w.insert("always", "ACTIVE", always[w])
		w.insert("plain", "ACTIVE", w.run(testenv.Container{}))
		before[w] = w.everything()
		w.start(w.engine)
	}

	private.Kill()
	for _, w := range both {
		w.until("the outage is noticed", func() bool { return len(w.log.with("Event stream disconnected")) == 1 })
		if _, err := controllers.SweepOnce(w.Context(), w.opts, time.Second, nil); err == nil {
			w.Error("a sweep of an engine that is away ended well")
		}
		if after := w.everything(); after != before[w] {
			w.Errorf("during the outage, before:\n%s\nafter:\n%s", before[w], after)
		}
	}
	private.Start()
	for _, w := range both {
		w.fails("plain") // a plain container does not survive its engine
		w.wantRow("always", "ACTIVE "+always[w])
	}
}

// What `systemctl restart docker` does: while the engine ends it shows containers as exited that it starts again when
// it is back, and it takes its time over one that ignores SIGTERM.
func TestOutageAnEngineThatIsRestartedCostsNoSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string
		// policies are the restart policies of containers that survive.
		policies []string
	}{
		{"containers that are restarted", nil, []string{"always", "unless-stopped"}},
		{"containers that live on", []string{"--live-restore"}, []string{"always", "no"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			private, both := bothOnOne(t, tt.args...)
			claims := map[*world]map[string]string{}
			for _, w := range both {
				claims[w] = w.survivors(tt.policies)
				w.opts.Policy = controllers.DefaultPolicy()
				w.opts.Policy.ExitGrace.Duration, w.opts.Policy.GoneGrace.Duration = 0, 0 // only restartGrace is relied on
				w.opts.ResyncPeriod = 500 * time.Millisecond
				w.start(w.engine)
			}

			private.Terminate()
			private.Start()
			for _, w := range both {
				w.survived(claims[w])
				w.log.want(w, 0, "Session failed")

				// And it looks again: one that dies now is failed.
				crashed := w.run(testenv.Container{})
				w.insert("crashed", "ACTIVE", crashed)
				w.dies(crashed)
				w.fails("crashed")
				w.survived(claims[w])
			}
		})
	}
}

// survivors starts sessions whose containers are to survive a restart of their engine, two of each policy, and returns
// what they claim. The engine sees the first of them exit while it waits for the second: for two or three sweeps, or
// for the ten seconds that it waits by itself.
func (w *world) survivors(policies []string) (claims map[string]string) {
	w.Helper()
	claims = map[string]string{}
	for _, policy := range policies {
		for _, mode := range []string{"sleep", "ignore-term"} {
			session := policy + " " + mode
			claims[session] = w.run(testenv.Container{
				RestartPolicy: policy, Cmd: []string{"/workload", mode}, StopTimeout: inForm(3*time.Second, 0),
			})
			w.insert(session, "ACTIVE", claims[session])
		}
	}
	return claims
}

// survived waits until the controller follows the restarted engine and all these containers run, and checks their rows.
func (w *world) survived(claims map[string]string) {
	w.Helper()
	w.until("the controller is connected again", func() bool {
		return len(w.log.with("Event stream connected")) >= 2
	})
	for session, id := range claims {
		w.until("its container runs", func() bool {
			seen, err := w.engine.Observe(w.Context(), id)
			return err == nil && seen.Phase == dockerwatch.Running
		})
		w.wantRow(session, "ACTIVE "+id)
	}
}
