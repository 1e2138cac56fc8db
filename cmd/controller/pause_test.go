package main

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/session-controller/session-controller/test/testenv"
)

// freePort is an address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// A person pauses the controller that runs, a container dies in the meantime, and the person resumes.
func TestAPausedControllerLooksAndChangesNothing(t *testing.T) {
	t.Parallel()
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, db := database(t)
			config := []string{"--database-url", url, "--config", configFile(t, withEngine(t, noGraces))}
			with := func(args ...string) []string { return append(args, config...) }
			id, address := testenv.Run(t, container(t)), freePort(t)
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
			testenv.Signal(t, id, syscall.SIGKILL)
			until(t, "it is seen to be adrift", func() bool { return strings.Contains(status(), "ContainerExited 1") })
			until(t, "what would be done is said", func() bool { return strings.Contains(log.String(), sayPausedForTest) })
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
			if err := controller.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if err := controller.Wait(); err != nil {
				t.Errorf("run ended with %v; log:\n%s", err, log)
			}
			if _, out, _ := command(t, with("resume", "--address", address)...); out != "was not paused\n" {
				t.Errorf("a second resume says %q", out)
			}
		})
	}
}

const sayPausedForTest = "Would act, but the controller is paused"

func TestAPauseIsAskedForWithAReasonAndAnEnd(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"pause"},
		{"pause", "--reason", "x", "--for", "0s"},
		{"pause", "--reason", "x", "--for", "25h"},
		{"pause", "--reason", strings.Repeat("x", longestReason+1)},
		{"status", "-o", "yaml"},
		{"status", "--address", freePort(t)},
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
	until(t, "the wait has begun to count down", func() bool { return strings.Contains(out.String(), "in 29s") })
	cancel()
	if code := <-ended; code != 0 || errs.String() != "" {
		t.Errorf("ended with %d: %s", code, &errs)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("what goes to a file clears a screen")
	}
}
