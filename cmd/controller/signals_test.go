package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/session-controller/session-controller/test/testenv"
)

// noPorts keeps tests off the machine's ports.
var noPorts = []string{"--metrics-bind-address", "0", "--health-probe-bind-address", "0"}

func TestRunEndsWellWhileAContainerIsBeingStopped(t *testing.T) {
	t.Parallel()
	url, db := sqlite(t)
	id := testenv.Run(t, testenv.Container{
		Name: testenv.Name(t, "claude-work-"), Cmd: []string{"/workload", "ignore-term"},
	})
	insert(t, db, "s1", "TERMINATED", id)
	config := configFile(t, withEngine(t, "policy: {stopTimeout: 1h}"))
	controller, log := process(t, append([]string{"run", "--database-url", url, "--config", config}, noPorts...)...)
	until(t, "the controller has swept", func() bool { return strings.Contains(log.String(), `"msg":"Swept"`) })

	began := time.Now()
	if err := controller.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := controller.Wait(); err != nil {
		t.Errorf("run ended with %v, want exit code 0; log:\n%s", err, log)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s to end, want less than the 10 s that a container runtime gives", took)
	}
	if got := row(t, db, "s1"); got != "TERMINATED "+id {
		t.Errorf("the row is %q, want its claim kept: the container is not gone", got)
	}
	if strings.Contains(log.String(), `"level":"error"`) {
		t.Errorf("it was told to end, which is no failure; log:\n%s", log)
	}
}

func TestASecondSignalEndsTheProcessAtOnce(t *testing.T) {
	t.Parallel()
	url, db := postgres(t)
	id := testenv.Run(t, testenv.Container{
		Name: testenv.Name(t, "claude-work-"), Cmd: []string{"/workload", "exit", "3"},
	})
	until(t, "the container has exited", func() bool { return state(t, id) == "exited" })
	insert(t, db, "s1", "ACTIVE", id)
	lock, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.ExecContext(t.Context(), "LOCK TABLE sessions IN EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	config := configFile(t, withEngine(t, "policy: {exitGrace: 0s}"))
	controller, log := process(t, append([]string{"run", "--database-url", url, "--config", config}, noPorts...)...)
	until(t, "the controller's write waits for the lock", func() bool {
		var waiting int
		err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
			WHERE d.datname = current_database() AND NOT l.granted`).Scan(&waiting)
		return err == nil && waiting > 0
	})

	if err := controller.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, "the first signal is taken", func() bool { return strings.Contains(log.String(), `"msg":"Stopping`) })
	ended := make(chan struct{})
	go func() { _ = controller.Wait(); close(ended) }()
	until(t, "a second signal that is not the same ends it", func() bool {
		select {
		case <-ended:
			return true
		default:
			_ = controller.Process.Signal(syscall.SIGTERM)
			return false
		}
	})
	if code := controller.ProcessState.ExitCode(); code != 1 || strings.Contains(log.String(), `"msg":"Stopped"`) {
		t.Errorf("exit code %d, want 1 and no orderly end; log:\n%s", code, log)
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
}

func TestASignalThatIsSentTwiceAtOnceIsOne(t *testing.T) {
	t.Parallel()
	url, _ := sqlite(t)
	config := configFile(t, withEngine(t, "workers: 1"))
	controller, log := process(t, append([]string{"run", "--database-url", url, "--config", config}, noPorts...)...)
	until(t, "the controller has swept", func() bool { return strings.Contains(log.String(), `"msg":"Swept"`) })
	for range 2 { // as GNU timeout does: to the process and to its group
		if err := controller.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	if err := controller.Wait(); err != nil || !strings.Contains(log.String(), `"msg":"Stopped"`) {
		t.Errorf("run ended with %v, want exit code 0 and an orderly end; log:\n%s", err, log)
	}
}

func TestRunEndsWellWhileTheEngineHangs(t *testing.T) {
	t.Parallel()
	engine := testenv.StartEngine(t)
	url, db := sqlite(t)
	id := engine.Run(testenv.Container{Name: testenv.Name(t, "claude-work-")})
	insert(t, db, "s1", "ACTIVE", id)
	config := configFile(t, "docker: {host: '"+engine.Host()+"'}\nresyncPeriod: 1s")
	controller, log := process(t, append([]string{"run", "--database-url", url, "--config", config}, noPorts...)...)
	until(t, "the controller has swept", func() bool { return strings.Contains(log.String(), `"msg":"Swept"`) })
	engine.Freeze()
	until(t, "the hanging engine is noticed", func() bool { return strings.Contains(log.String(), "Sweep failed") })

	if err := controller.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := controller.Wait(); err != nil {
		t.Errorf("run ended with %v, want exit code 0; log:\n%s", err, log)
	}
	engine.Thaw()
	if got := row(t, db, "s1"); got != "ACTIVE "+id {
		t.Errorf("the row is %q, an engine that hangs says nothing about a session", got)
	}
}
