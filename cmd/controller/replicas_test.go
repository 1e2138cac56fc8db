package main

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestOneOfTwoReplicasWorksAndTheOtherTakesOver kills the one that works as a crash of its host would.
func TestOneOfTwoReplicasWorksAndTheOtherTakesOver(t *testing.T) {
	t.Parallel()
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, db := database(t)
			config := configFile(t, withEngine(t, noGraces+"\nleaderElection: {enabled: true}"))
			replica := func() (*exec.Cmd, *lockedBuffer) {
				return processAs(t, asReplica, "run", "--database-url", url, "--config", config, "--metrics-bind-address", "0",
					"--health-probe-bind-address", "0")
			}
			first, second, third := testenv.Run(t, container(t)), testenv.Run(t, container(t)), testenv.Run(t, container(t))
			insert(t, db, "first", "ACTIVE", first)
			insert(t, db, "second", "ACTIVE", second)
			insert(t, db, "third", "ACTIVE", third)

			works, log := replica()
			swept := func(log *lockedBuffer) func() bool {
				return func() bool { return strings.Contains(log.String(), `"msg":"Swept"`) }
			}
			until(t, "one of them works", swept(log))
			waits, waiting := replica()
			testenv.Signal(t, first, syscall.SIGKILL)
			until(t, "the crash is in the row", func() bool { return row(t, db, "first") == "ERROR NULL" })

			if err := works.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = works.Wait()                           // it was killed
			testenv.Signal(t, second, syscall.SIGKILL) // while nobody works
			until(t, "the other has taken over", swept(waiting))
			testenv.Signal(t, third, syscall.SIGKILL)
			for _, session := range []string{"second", "third"} {
				until(t, "the crash is in the row", func() bool { return row(t, db, session) == "ERROR NULL" })
			}
			if err := waits.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := waits.Wait(); err != nil {
				t.Errorf("ended with %v after SIGTERM; log:\n%s", err, waiting)
			}
			both := log.String() + waiting.String()
			for _, session := range []string{"first", "second", "third"} {
				failed := 0
				for line := range strings.Lines(both) {
					if strings.Contains(line, `"Session failed"`) && strings.Contains(line, `"session":"`+session+`"`) {
						failed++
					}
				}
				if failed != 1 {
					t.Errorf("session %s was failed %d times:\n%s", session, failed, both)
				}
			}
		})
	}
}

func TestAReplicaThatLosesItsLeaseEnds(t *testing.T) {
	t.Parallel()
	url, db := postgres(t)
	config := configFile(t, withEngine(t, noGraces+"\nleaderElection: {enabled: true}"))
	works, log := processAs(t, asReplica, "run", "--database-url", url, "--config", config, "--metrics-bind-address", "0",
		"--health-probe-bind-address", "0")
	until(t, "it works", func() bool { return strings.Contains(log.String(), `"msg":"Swept"`) })
	for _, statement := range []string{
		`UPDATE session_controller.lease SET version = version + 1, record = '{"holderIdentity": "somebody else",
			"leaseDurationSeconds": 15, "renewTime": "2126-01-02T03:04:05Z", "acquireTime": "2126-01-02T03:04:05Z"}'`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := works.Wait(); works.ProcessState.ExitCode() != 1 || !strings.Contains(log.String(), "lease") {
		t.Errorf("ended with %v, want 1 and why:\n%s", err, log)
	}
}

func TestALeaseOfANewerVersionIsASentenceAtTheStart(t *testing.T) {
	t.Parallel()
	url, db := postgres(t)
	config := configFile(t, withEngine(t, noGraces+"\nleaderElection: {enabled: true}"))
	if code, _, stderr := command(t, "sweep", "--database-url", url, "--config", config); code != 0 {
		t.Fatal(stderr)
	}
	name := `"public"."sessions"//` + identity(t)
	statement := `INSERT INTO session_controller.lease VALUES ($1, 2, 1, '?')`
	if _, err := db.ExecContext(t.Context(), statement, name); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := command(t, "run", "--database-url", url, "--config", config)
	if code != 1 || !strings.Contains(stderr, "newer version") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit code %d and %q, want 1 and one sentence", code, stderr)
	}
}

func container(t *testing.T) testenv.Container {
	t.Helper()
	return testenv.Container{Name: testenv.Name(t, "claude-work-")}
}

// docs/reliability.md gives the lease time.
func TestTheUsualElection(t *testing.T) {
	t.Parallel()
	want := election{lease: 15 * time.Second, renew: 10 * time.Second, retry: 2 * time.Second}
	if got := usualElection(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
