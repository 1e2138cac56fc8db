package main

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/session-controller/session-controller/test/testenv"
)

// A person pauses the controller that runs, a container dies in the meantime, and the person resumes.
func TestAPausedControllerLooksAndChangesNothing(t *testing.T) {
	t.Parallel()
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, db := database(t)
			installation := testenv.Name(t, "i")
			config := []string{"--database-url", url, "--config", configFile(t, withEngine(t,
				`docker: {ownership: {installation: `+installation+`}}
policy: {exitGrace: 0s, goneGrace: 0s, startGrace: 0s, leakGrace: 0s, stopTimeout: 1s, breaker: {maxFraction: 1}}`))}
			with := func(args ...string) []string { return append(args, config...) }
			id, address := testenv.Run(t, container(t)), testenv.FreeAddress(t)
			insert(t, db, "s1", "ACTIVE", id)
			controller, log := process(t, with("run", "--metrics-bind-address", "0", "--health-probe-bind-address", address)...)
			status := func() string {
				_, out, _ := command(t, "status", "--address", address)
				return out
			}
			until(t, "it is ready", func() bool {
				code, _, _ := command(t, "status", "--address", address)
				return code == 0
			})
			code, out, stderr := command(t, with("pause", "--for", "1h", "--reason", "moving house", "--by", "me",
				"--address", address)...)
			if code != 0 {
				t.Fatalf("pause ended with %d: %s", code, stderr)
			}
			wantAll(t, out, "paused until", "by me (moving house)", "obeys")
			longer := with("pause", "--for", "2h", "--reason", "moving house", "--by", "me", "--address", address)
			if code, out, stderr := command(t, longer...); code != 0 || !strings.Contains(out, "obeys") {
				t.Errorf("a longer pause ended with %d: %s%s", code, out, stderr)
			}
			s, err := fetchStatus(t.Context(), address)
			if err != nil || s.Paused == nil || time.Until(s.Paused.Until) < 119*time.Minute {
				t.Errorf("it obeys, and not the longer pause: %+v, %v", s.Paused, err)
			}
			testenv.Signal(t, id, syscall.SIGKILL)
			leaked := testenv.Run(t, testenv.Container{Labels: map[string]string{
				"io.session-controller.session": "nobody", "io.session-controller.installation": installation,
			}})
			for _, reason := range []string{"ContainerExited", "ContainerLeaked"} {
				until(t, "it is seen to be adrift", func() bool { return strings.Contains(status(), reason+" 1") })
			}
			until(t, "what would be done is said of both", func() bool {
				return strings.Count(log.String(), sayPausedForTest) == 2
			})
			if got := state(t, leaked); got != "running" {
				t.Errorf("while it is paused the leaked container is %s", got)
			}
			wantAll(t, status(), "paused", "moving house")
			if got := row(t, db, "s1"); got != "ACTIVE "+id {
				t.Errorf("while it is paused the row is %q", got)
			}
			if code, _, stderr := command(t, with("sweep")...); code != 1 || !strings.Contains(stderr, "paused until") {
				t.Errorf("sweep ended with %d while it is paused: %s", code, stderr)
			}
			if _, out, _ := command(t, with("plan")...); !strings.Contains(out, "Paused until") {
				t.Errorf("plan does not say that nothing will be done:\n%s", out)
			}
			if code, out, stderr := command(t, with("resume", "--address", address)...); code != 0 {
				t.Fatalf("resume ended with %d: %s%s", code, out, stderr)
			}
			until(t, "the crash is in the row", func() bool { return row(t, db, "s1") == "ERROR NULL" })
			until(t, "the leaked container is removed", func() bool { return state(t, leaked) == "gone" })
			if err := controller.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := controller.Wait(); err != nil {
				t.Errorf("run ended with %v; log:\n%s", err, log)
			}
			const nobodyWas = "was not paused, as far as the database knows; if it was, it is not any more\n"
			if _, out, _ := command(t, with("resume", "--address", address)...); out != nobodyWas {
				t.Errorf("a second resume says %q", out)
			}
		})
	}
}

// The README's role may make no tables: the controller runs, and is to be paused one day.
func TestAControllerThatWasStartedBeforeItsTablesObeysAPause(t *testing.T) {
	t.Parallel()
	owner, db := postgres(t)
	role := testenv.Name(t, "role")
	for _, statement := range []string{
		`DROP SCHEMA session_controller CASCADE`, fmt.Sprintf(`CREATE ROLE %q LOGIN PASSWORD 'secret'`, role),
		fmt.Sprintf(`GRANT SELECT ON sessions TO %q`, role),
		fmt.Sprintf(`GRANT UPDATE (status, container_id) ON sessions TO %q`, role),
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, statement := range []string{`DROP OWNED BY %q`, `DROP ROLE %q`} {
			if _, err := db.ExecContext(context.WithoutCancel(t.Context()), fmt.Sprintf(statement, role)); err != nil {
				t.Error(err)
			}
		}
	})
	small, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	small.User = url.UserPassword(role, "secret")
	address := testenv.FreeAddress(t)
	config := configFile(t, withEngine(t, ""))
	controller, log := process(t, "run", "--config", config, "--database-url", small.String(), "--metrics-bind-address",
		"0", "--health-probe-bind-address", address)
	until(t, "it is ready", func() bool {
		code, _, _ := command(t, "status", "--address", address)
		return code == 0
	})
	wantAll(t, log.String(), "cannot be paused before they are made")
	pause := []string{
		"pause", "--config", config, "--database-url", small.String(), "--reason", "trying", "--address", address,
	}
	if code, _, stderr := command(t, pause...); code != 1 || !strings.Contains(stderr, "migrate") {
		t.Errorf("pause without tables ended with %d: %s", code, stderr)
	}
	if code, _, stderr := command(t, "migrate", "--config", config, "--database-url", owner); code != 0 {
		t.Fatal(stderr)
	}
	until(t, "it says that it may not read pauses", func() bool {
		said := log.String()
		return strings.Contains(said, "Pause record unreadable") && strings.Contains(said, "let it SELECT")
	})
	for _, statement := range []string{
		`GRANT USAGE ON SCHEMA session_controller TO %q`,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA session_controller TO %q`,
	} {
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf(statement, role)); err != nil {
			t.Fatal(err)
		}
	}
	code, out, stderr := command(t, pause...)
	if code != 0 || !strings.Contains(out, "obeys") {
		t.Errorf("pause ended with %d: %s%s\n%s", code, out, stderr, log)
	}
	// A backup is restored, without the record.
	if _, err := db.ExecContext(t.Context(), `DELETE FROM session_controller.pause`); err != nil {
		t.Fatal(err)
	}
	until(t, "the loss is noticed", func() bool { return strings.Contains(log.String(), "Pause record lost") })
	code, out, stderr = command(t, "resume", "--config", config, "--database-url", small.String(), "--address", address)
	if code != 0 || !strings.Contains(out, "resumed") || !strings.Contains(out, "obeys") {
		t.Errorf("resume ended with %d: %s%s\n%s", code, out, stderr, log)
	}
	if err := controller.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := controller.Wait(); err != nil {
		t.Errorf("run ended with %v; log:\n%s", err, log)
	}
}

const sayPausedForTest = "Would act, but the controller is paused"

func TestAPauseIsAskedForWithAReasonAndAnEnd(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"pause"},
		{"pause", "--reason", "x", "--for", "0s"},
		{"pause", "--reason", "x", "--for", "25h"},
		{"pause", "--reason", strings.Repeat("x", maxReasonBytes+1)},
		{"status", "-o", "yaml"},
		{"status", "--address", testenv.FreeAddress(t)},
		{"plan", "--watch", "--interval", "1ms"},
	} {
		if code, _, stderr := command(t, args...); code != 1 || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v ended with %d and %q, want 1 and one sentence", args, code, stderr)
		}
	}
}

func TestAPlanIsWatchedUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	url, db := sqlite(t)
	insert(t, db, "s1", "ACTIVE", testenv.Name(t, "claude-work-"))
	insert(t, db, "s2", "ACTIVE", testenv.Run(t, container(t))) // an engine with none of the claimed is not trusted
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, errs lockedBuffer
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{
			"plan", "--watch", "--interval", "100ms", "--database-url", url, "--config", configFile(t, withEngine(t, "")),
		}, &out, &errs)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("it wrote:\n%s\n%s", &out, &errs)
		}
	})
	less := regexp.MustCompile(`in [12]?\ds`) // than the grace of 30 s; a slow machine shows no chosen second of it
	until(t, "the wait has begun to count down", func() bool { return less.MatchString(out.String()) })
	cancel()
	if code := <-ended; code != 0 || errs.String() != "" {
		t.Errorf("ended with %d: %s", code, &errs)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("what goes to a file clears a screen")
	}
}
