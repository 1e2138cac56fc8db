package e2e

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// inForm returns what the short form of an outage takes, which `make test` plays, or what the full form does.
func inForm[T any](short, full T) T {
	if testenv.FullOutages() {
		return full
	}
	return short
}

// maxBackoff is the longest wait between two tries, of the database or of a single key. That waits grow until then is
// shown by 2 s as well as by the 30 s of production.
var maxBackoff = inForm(2*time.Second, 30*time.Second)

// afterBackoff is recovery where tries have failed for long. One wait may just have begun.
var afterBackoff = maxBackoff + recovery

const (
	// recovery is how long after the return of whatever was away everything must be as it should, on a machine that has
	// several times as much to do as these tests. An idle one takes about a second.
	recovery = 30 * time.Second
	// reconnection is how long the engine's return may go unnoticed: waits of a second at most, time to connect, and what
	// a busy machine adds. The exact bound is TestWatcherComesBackWithinASecond's, in virtual time.
	reconnection = 10 * time.Second
)

// TestOutageAnEngineThatIsKilledUnderLoad ends dockerd by SIGKILL while sessions are started, ended and crash; with
// live restore the containers run on. No sweep but that after the reconnection can find what crashed meanwhile.
func TestOutageAnEngineThatIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	w := followed(t, testenv.PostgresURL(t))
	private, engine := w.privateEngine("--live-restore")
	unharmed := w.healthy(testenv.Container{}, testenv.Container{RestartPolicy: "always"},
		testenv.Container{Cmd: []string{"/workload", "ignore-term"}})
	away := w.accidents(inForm(1, 2), w.crashes, w.ends, w.leaks, w.forgets)
	w.start(engine)
	// The short form pauses between two containers: it makes fewer, and goes on before, during and after the outage, too.
	server := w.serve(inForm(2, 4), inForm(200*time.Millisecond, 20*time.Millisecond))
	w.until("the server is at work", func() bool { return len(w.log.with(`"msg":"Session failed"`)) >= 2 })
	connections := func() int { return len(w.log.with("Event stream connected")) }
	before := connections()

	private.Kill()
	w.until("the outage is noticed", func() bool { return len(w.log.with("Event stream disconnected")) == 1 })
	want := happen(away)
	rows := w.rowsOf(want)
	soon(t, time.Second)
	if now := w.rowsOf(want); now != rows {
		t.Errorf("while the engine was away, before:\n%s\nnow:\n%s\nlog:\n%s", rows, now, w.log)
	}

	private.Start()
	returned := time.Now()
	w.until("the controller is connected again", func() bool { return connections() > before })
	reconnected := time.Since(returned)
	if reconnected > reconnection {
		t.Errorf("connected %s after the engine's return, want at most %s; log:\n%s", reconnected, reconnection, w.log)
	}
	// What went wrong meanwhile, while the server goes on. That it takes 2 s and the graces is asserted in virtual time,
	// by the simulation.
	w.settles(recovery-time.Since(returned), want)
	settledAway := time.Since(returned)
	unharmed()
	want = append(want, server.stopped()...)
	w.settles(recovery, want)
	t.Logf("connected %s after the engine's return, what went wrong while it was away as it must be after %s, "+
		"all %d sessions after %s", reconnected, settledAway, len(want), time.Since(returned))
	w.nothingElse(want)
	unharmed()
}

// TestOutageAnEngineThatIsFrozenFailsNoSession stops dockerd in its tracks: it takes calls and answers none.
func TestOutageAnEngineThatIsFrozenFailsNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testenv.PostgresURL(t), "postgres")
	w.opts.ResyncPeriod = 3 * time.Second // a call may time out once more while a busy engine makes up for the freeze
	w.opts.Changes, w.opts.PollInterval = w.store, 100*time.Millisecond
	private, _ := w.privateEngine()
	engine, err := dockerwatch.New(dockerwatch.Config{Host: private.Host(), Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	w.opts.Engine = engine
	unharmed := w.healthy(quietly(2)...)
	during := w.accidents(inForm(1, 2), w.crashes, w.ends, w.leaks, w.forgets)
	// The database tells of every one of these, and each look takes until its deadline, a second. Four workers, one of
	// them in the slow lane, have looked at all of them in 5 s or 20 s, so that each is known to have timed out when the
	// engine goes on. In both forms there are several times as many as workers.
	during = append(during, w.accidents(inForm(12, 50), w.endsUnstarted)...)
	frozen := inForm(6*time.Second, 20*time.Second)
	w.start(engine)

	private.Freeze()
	want := happen(during)
	before := w.rowsOf(want)
	w.until("the hanging engine is noticed", func() bool { return len(w.log.with("Sweep failed")) == 1 })
	soon(t, frozen)
	if now := w.rowsOf(want); now != before {
		t.Errorf("while the engine was frozen, before:\n%s\nnow:\n%s\nlog:\n%s", before, now, w.log)
	}
	w.log.want(t, 0, `"msg":"Session failed"`)

	private.Thaw()
	took := w.settles(recovery, want) // they are forgiven by the first sweep, and all workers look at them at once
	t.Logf("%d sessions, everything as it must be %s after the thaw", len(want), took)
	w.nothingElse(want)
	unharmed()
}
