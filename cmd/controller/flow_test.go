package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/session-controller/session-controller/test/testenv"
)

// noGraces makes everything due at once; the names are those of the flow's containers.
const noGraces = "\npolicy: {exitGrace: 0s, goneGrace: 0s, startGrace: 0s, stopTimeout: 1s}"

// TestTheMainJobByHand is what a person does who tries it: rows for a running, an exited, a missing and an ended
// session, plan, sweep, plan again, run, and a process that ends.
func TestTheMainJobByHand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason   string
		database func(*testing.T) (string, *sql.DB)
		prefix   string
		config   string
	}{
		{"PostgreSQL, containers owned by their names", postgres, "claude-work-", ""},
		{"SQLite, containers owned by their names", sqlite, "claude-work-", ""},
		{"PostgreSQL, containers of any name", postgres, "any-", "docker: {ownership: {claimed: true}}"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			url, db := tt.database(t)
			running, exited, ended := testenv.Name(t, tt.prefix), testenv.Name(t, tt.prefix), testenv.Name(t, tt.prefix)
			runningID := testenv.Run(t, testenv.Container{Name: running})
			exitedID := testenv.Run(t, testenv.Container{Name: exited, Cmd: []string{"/workload", "exit", "3"}})
			endedID := testenv.Run(t, testenv.Container{Name: ended})
			until(t, "the container has exited", func() bool { return state(t, exitedID) == "exited" })
			insert(t, db, "running", "ACTIVE", runningID)
			insert(t, db, "exited", "ACTIVE", exited)
			insert(t, db, "missing", "IDLE", testenv.Name(t, tt.prefix))
			insert(t, db, "ended", "TERMINATED", endedID[:12])
			common := []string{
				"--database-url", url, "--config", configFile(t, withEngine(t, strings.TrimPrefix(tt.config+noGraces, "\n"))),
			}
			with := func(args ...string) []string { return append(args, common...) }

			code, plan, stderr := command(t, with("plan")...)
			if code != 2 {
				t.Fatalf("plan ended with %d, want 2: %s%s", code, plan, stderr)
			}
			wantAll(t, plan, "SESSION", "exited", "Exited (3)", "ContainerExited", "fail+remove", "missing", "ContainerGone",
				"fail+release", "ended", "SessionEnded", "stop+remove", "now")
			if strings.Contains(plan, "running ") {
				t.Errorf("the healthy session is in the plan:\n%s", plan)
			}

			if code, out, stderr := command(t, with("sweep", "--dry-run")...); code != 2 {
				t.Errorf("sweep --dry-run ended with %d, want 2: %s%s", code, out, stderr)
			}
			if got := row(t, db, "exited"); got != "ACTIVE "+exited {
				t.Errorf("after the dry run the row is %q", got)
			}

			if code, out, stderr := command(t, with("sweep")...); code != 0 {
				t.Fatalf("sweep ended with %d, want 0: %s%s", code, out, stderr)
			}
			for session, want := range map[string]string{
				"running": "ACTIVE " + runningID, "exited": "ERROR NULL", "missing": "ERROR NULL", "ended": "TERMINATED NULL",
			} {
				if got := row(t, db, session); got != want {
					t.Errorf("after the sweep session %s is %q, want %q", session, got, want)
				}
			}
			if code, plan, _ := command(t, with("plan")...); code != 0 || !strings.Contains(plan, "No drift") {
				t.Errorf("plan after the sweep ended with %d, want 0 and no drift:\n%s", code, plan)
			}

			controller, log := process(t, with("run", "--metrics-bind-address", "0", "--health-probe-bind-address", "0")...)
			until(t, "the controller has swept", func() bool { return strings.Contains(log.String(), `"msg":"Swept"`) })
			testenv.Signal(t, runningID, syscall.SIGKILL)
			until(t, "the crash is in the row", func() bool { return row(t, db, "running") == "ERROR NULL" })
			if got := state(t, runningID); got != "gone" {
				t.Errorf("the container is %s, want gone", got)
			}
			if err := controller.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := controller.Wait(); err != nil {
				t.Errorf("run ended with %v after SIGTERM, want exit code 0; log:\n%s", err, log)
			}
		})
	}
}

func state(t *testing.T, id string) string {
	t.Helper()
	return stateOf(t, testenv.Docker(t), id)
}

func stateOn(t *testing.T, e *testenv.Engine, id string) string {
	t.Helper()
	return stateOf(t, e.Docker(), id)
}

func stateOf(t *testing.T, docker *client.Client, id string) string {
	t.Helper()
	c, err := docker.ContainerInspect(t.Context(), id)
	if errdefs.IsNotFound(err) {
		return "gone"
	}
	if err != nil {
		t.Fatal(err)
	}
	return c.State.Status
}

func TestSweepSaysWhatIsPendingAndWaitsForNothingElse(t *testing.T) {
	t.Parallel()
	url, db := sqlite(t)
	insert(t, db, "s1", "ACTIVE", testenv.Name(t, "claude-work-"))
	config := configFile(t, withServed(t, "policy: {goneGrace: 1h, startGrace: 1h}"))
	// It ends as soon as nothing is left but what ends too late: far ahead of its own time-out.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr lockedBuffer
	code := run(ctx, []string{"sweep", "--timeout", "30m", "--database-url", url, "--config", config}, &stdout, &stderr)
	if code != 0 {
		t.Errorf("sweep ended with %d, want 0: what is inside its grace is not left undone; %s", code, stderr.String())
	}
	wantAll(t, stdout.String(), "1 sessions claim something", "pending: session s1, container claude-work-",
		"ContainerGone, fail+release in 1h0m0s")
}

func TestPlanAsJSON(t *testing.T) {
	t.Parallel()
	url, db := sqlite(t)
	id := testenv.Run(t, testenv.Container{Name: testenv.Name(t, "others-"), Cmd: []string{"/workload", "exit", "3"}})
	until(t, "the container has exited", func() bool { return state(t, id) == "exited" })
	insert(t, db, "s1", "ACTIVE", id)
	insert(t, db, "s2", "PAUSED", nil)
	insert(t, db, "s3", "ACTIVE", "no such/ref")
	config := configFile(t, withEngine(t, "policy: {exitGrace: 1h}"))
	code, stdout, stderr := command(t, "plan", "-o", "json", "--database-url", url, "--config", config)
	if code != 2 {
		t.Fatalf("plan ended with %d: %s", code, stderr)
	}
	var plan planJSON
	if err := json.Unmarshal([]byte(stdout), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Sessions) != 2 || !plan.Drift {
		t.Fatalf("got %+v, want s1 adrift and s3 held", plan)
	}
	s1, s3 := plan.Sessions[0], plan.Sessions[1]
	if s1.Session != "s1" || s1.Container != id || s1.Phase != "Exited" || s1.Action != "fail" || s1.InSeconds < 3500 ||
		s1.ExitCode == nil || *s1.ExitCode != 3 || !s1.Drift {
		t.Errorf("s1 is %+v", s1)
	}
	if s3.Session != "s3" || s3.Reason != "ClaimInvalid" || s3.Drift {
		t.Errorf("s3 is %+v", s3)
	}
	if len(plan.UnknownStatuses) != 1 || *plan.UnknownStatuses[0].Status != "PAUSED" {
		t.Errorf("unknown statuses: %+v", plan.UnknownStatuses)
	}
	if len(plan.ForeignClaims) != 1 || plan.ForeignClaims[0].Setting != "docker.ownership.claimed: true" {
		t.Errorf("foreign claims: %+v", plan.ForeignClaims)
	}
}

func TestPlanOfSingleSessions(t *testing.T) {
	t.Parallel()
	url, db := sqlite(t)
	for _, s := range []string{"s1", "s2"} {
		insert(t, db, s, "ACTIVE", testenv.Name(t, "claude-work-"))
	}
	common := []string{"--database-url", url, "--config", configFile(t, withServed(t, "workers: 1"))}
	code, stdout, _ := command(t, append([]string{"plan", "s2"}, common...)...)
	if code != 2 || strings.Contains(stdout, "s1") || !strings.Contains(stdout, "s2") {
		t.Errorf("exit code %d and\n%s\nwant 2 and s2 alone", code, stdout)
	}
	code, _, stderr := command(t, append([]string{"plan", "nobody"}, common...)...)
	if code != 1 || !strings.Contains(stderr, "nobody") {
		t.Errorf("exit code %d and %q, want 1 and a sentence that names the session", code, stderr)
	}
}

func TestVersionAndHelp(t *testing.T) {
	t.Parallel()
	code, stdout, _ := command(t, "version")
	if code != 0 || !strings.HasPrefix(stdout, "session-controller dev (commit unknown, go1.") {
		t.Errorf("exit code %d and %q", code, stdout)
	}
	code, stdout, _ = command(t, "--help")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantAll(t, stdout, "run", "sweep", "plan", "migrate", "version")
}

func TestRunCreatesNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sessions.db")
	for _, name := range []string{"run", "sweep", "plan"} {
		config := configFile(t, withServed(t, "workers: 1"))
		code, _, stderr := command(t, name, "--database-url", "file:"+path, "--config", config)
		if code != 1 {
			t.Errorf("%s ended with %d, want 1", name, code)
		}
		wantAll(t, stderr, path, "migrate --sessions-table")
	}
	if matches, _ := filepath.Glob(path + "*"); len(matches) != 0 {
		t.Errorf("made %v", matches)
	}
}

func TestMigrateIsIdempotent(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(*testing.T) (string, *sql.DB){"postgres": postgres, "sqlite": sqlite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, db := database(t)
			insert(t, db, "s1", "ACTIVE", nil)
			code, stdout, stderr := command(t, "migrate", "--sessions-table", "--database-url", url)
			if code != 0 || !strings.Contains(stdout, "there already") {
				t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
			}
			if got := row(t, db, "s1"); got != "ACTIVE NULL" {
				t.Errorf("the row is %q after the second migrate", got)
			}
		})
	}
}

func TestMigratePrintsInstallsAndUninstalls(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(*testing.T) (string, *sql.DB){"postgres": postgres, "sqlite": sqlite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, db := database(t)
			const index = "session_controller_claim_sessions"
			migrate := func(args ...string) (stdout string) {
				t.Helper()
				code, stdout, stderr := command(t, append([]string{"migrate", "--database-url", url}, args...)...)
				if code != 0 {
					t.Fatalf("migrate %q ended with %d: %s", args, code, stderr)
				}
				return stdout
			}
			printed := migrate("--print")
			wantAll(t, printed, "CREATE INDEX", index)
			wantAll(t, migrate("--uninstall"), "index "+index+": removed")
			wantAll(t, migrate("--uninstall"), "index "+index+": was not there")
			if _, err := db.ExecContext(t.Context(), strings.ReplaceAll(printed, "CONCURRENTLY", "")); err != nil {
				t.Errorf("the printed statements, run as they are: %v", err)
			}
			wantAll(t, migrate(), "index "+index+": is there already and fits")
			migrate("--uninstall")
			wantAll(t, migrate(), "index "+index+": created")
		})
	}
}

func TestAnInterruptedSweepSaysSo(t *testing.T) {
	t.Parallel()
	url, db := sqlite(t)
	insert(t, db, "s1", "ACTIVE", testenv.Name(t, "claude-work-"))
	config := configFile(t, withServed(t, "workers: 1"))
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out, errs lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"sweep", "--database-url", url, "--config", config, "--log-level", "debug"}, &out, &errs)
	}()
	until(t, "it waits for a grace", func() bool {
		return strings.Contains(errs.String()+out.String(), "Waiting for grace period")
	})
	interrupt()
	code := <-ended
	if code != 1 || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit code %d and %q, want 1 and a sentence", code, errs.String())
	}
}
