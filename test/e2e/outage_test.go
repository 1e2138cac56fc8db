package e2e

import (
	"syscall"
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
	engine, err := dockerwatch.New(dockerwatch.Config{Host: private.Host()})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = engine.Close() })
	w.opts.Engine, w.opts.Identity = engine, ""
	w.private, w.docker = private, private.Docker()
	return private, engine
}

func TestAnEngineOutageHarmsNoSession(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		private, engine := w.privateEngine()
		always := private.Run(testenv.Container{Name: testenv.Name(w.TB, w.prefix), RestartPolicy: "always"})
		plain := private.Run(testenv.Container{Name: testenv.Name(w.TB, w.prefix)})
		w.insert("always", "ACTIVE", always)
		w.insert("plain", "ACTIVE", plain)
		before := w.everything()
		w.start(engine)

		private.Kill()
		w.until("the outage is noticed", func() bool { return len(w.log.with("event stream is down")) == 1 })
		if _, err := controllers.SweepOnce(w.Context(), w.opts, time.Second, nil); err == nil {
			w.Error("a sweep of an engine that is away ended well")
		}
		if after := w.everything(); after != before {
			w.Errorf("during the outage, before:\n%s\nafter:\n%s", before, after)
		}
		private.Start()
		w.fails("plain") // a plain container does not survive its engine
		w.wantRow("always", "ACTIVE "+always)
	})
}

// What `systemctl restart docker` does: while the engine ends it shows containers as exited that it starts again when
// it is back, and it takes ten seconds over one that ignores SIGTERM.
func TestAnEngineThatIsRestartedCostsNoSession(t *testing.T) {
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
			inBoth(t, func(w *world) {
				w.opts.Policy = controllers.DefaultPolicy()
				w.opts.Policy.ExitGrace.Duration, w.opts.Policy.GoneGrace.Duration = 0, 0 // only restartGrace is relied on
				w.opts.ResyncPeriod = 500 * time.Millisecond
				private, engine := w.privateEngine(tt.args...)
				claims := map[string]string{}
				for _, policy := range tt.policies {
					for _, mode := range []string{"sleep", "ignore-term"} {
						claims[policy+" "+mode] = private.Run(testenv.Container{
							Name: testenv.Name(w.TB, w.prefix), RestartPolicy: policy, Cmd: []string{"/workload", mode},
						})
					}
				}
				for session, id := range claims {
					w.insert(session, "ACTIVE", id)
				}
				w.start(engine)

				private.Terminate()
				private.Start()
				connected := func() bool { return len(w.log.with("Following the engine's events")) >= 2 }
				w.until("the controller is connected again", connected)
				for session, id := range claims {
					w.until("its container runs", func() bool {
						seen, err := engine.Observe(w.Context(), id)
						return err == nil && seen.Phase == dockerwatch.Running
					})
					w.wantRow(session, "ACTIVE "+id)
				}
				w.log.want(w, 0, "Session failed")

				// And it looks again: one that dies now is failed.
				crashed := private.Run(testenv.Container{Name: testenv.Name(w.TB, w.prefix)})
				w.insert("crashed", "ACTIVE", crashed)
				private.Signal(crashed, syscall.SIGKILL)
				w.fails("crashed")
				for session, id := range claims {
					w.wantRow(session, "ACTIVE "+id)
				}
			})
		})
	}
}
