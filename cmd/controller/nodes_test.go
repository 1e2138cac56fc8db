package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestTwoEnginesWithOneDatabase is one controller beside each of two engines, all on one table.
func TestTwoEnginesWithOneDatabase(t *testing.T) {
	t.Parallel()
	urls := map[string]string{
		"postgres": testenv.PostgresURL(t), "sqlite": "file:" + filepath.Join(t.TempDir(), "sessions.db"),
	}
	a, b := testenv.StartEngine(t), testenv.StartEngine(t)
	for driver, url := range urls {
		settings := func(node string, engine *testenv.Engine) string {
			return fmt.Sprintf("database: {url: '%[1]s', columns: {node: node}}\n"+
				"docker: {host: '%[2]s', node: %[3]s, ownership: {installation: %[4]s, label: of.%[4]s}}\n",
				url, engine.Host(), node, driver) +
				"policy: {exitGrace: 0s, goneGrace: 0s, startGrace: 0s, leakGrace: 0s, adoptAfter: 0s, stopTimeout: 1s}\n"
		}
		onA, onB := configFile(t, settings("a", a)), configFile(t, settings("b", b))
		if code, _, stderr := command(t, "migrate", "--sessions-table", "--config", onA); code != 0 {
			t.Fatal(stderr)
		}
		db := open(t, driver, url)
		insertOn := func(node any, id, status string, claim any) {
			t.Helper()
			statement := `INSERT INTO sessions (id, status, container_id, node) VALUES ($1, $2, $3, $4)`
			if _, err := db.ExecContext(t.Context(), statement, id, status, claim, node); err != nil {
				t.Fatal(err)
			}
		}
		labelled := func(e *testenv.Engine, session string) string {
			return e.Run(testenv.Container{
				Name: testenv.Name(t, "any-"), Labels: map[string]string{
					"of." + driver: session, "io.session-controller.installation": driver,
				},
			})
		}
		healthyA, healthyB := labelled(a, "healthy-a"), labelled(b, "healthy-b")
		insertOn("a", "healthy-a", "ACTIVE", healthyA)
		insertOn("b", "healthy-b", "ACTIVE", healthyB)
		endedA, endedB := labelled(a, "ended-a"), labelled(b, "ended-b")
		insertOn("a", "ended-a", "TERMINATED", endedA)
		insertOn("b", "ended-b", "TERMINATED", endedB)
		insertOn("a", "gone-a", "ACTIVE", strings.Repeat("a", 64))
		insertOn("b", "gone-b", "ACTIVE", strings.Repeat("b", 64))
		insertOn(nil, "nowhere", "ACTIVE", strings.Repeat("c", 64))
		unplaced := labelled(a, "unplaced")
		insertOn(nil, "unplaced", "TERMINATED", nil)
		onTheWay := labelled(a, "moving") // b's server is about to say where its container is
		insertOn("b", "moving", "ACTIVE", nil)
		leakedA, leakedB := labelled(a, "nobody"), labelled(b, "nobody")

		want := func(when string, rows map[string]string) {
			t.Helper()
			for session, want := range rows {
				if got := row(t, db, session); got != want {
					t.Errorf("%s, %s: session %s is %q, want %q", driver, when, session, got, want)
				}
			}
		}
		wantOn := func(e *testenv.Engine, id, want string) {
			t.Helper()
			if got := stateOn(t, e, id); got != want {
				t.Errorf("%s: container %s is %s, want %s", driver, id, got, want)
			}
		}
		if code, _, stderr := command(t, "sweep", "--config", onA); code != 0 {
			t.Fatalf("%s: sweep of a ended with %d: %s", driver, code, stderr)
		}
		want("after the sweep of a", map[string]string{
			"healthy-a": "ACTIVE " + healthyA, "ended-a": "TERMINATED NULL", "gone-a": "ERROR NULL",
			"healthy-b": "ACTIVE " + healthyB, "ended-b": "TERMINATED " + endedB, "gone-b": "ACTIVE " + strings.Repeat("b", 64),
			"nowhere": "ACTIVE " + strings.Repeat("c", 64),
		})
		if code, stdout, _ := command(t, "plan", "gone-b", "--config", onA); code != 0 {
			t.Errorf("%s: a's plan for b's session ended with %d: %s", driver, code, stdout)
		}
		wantOn(a, leakedA, "gone")
		wantOn(a, unplaced, "running")
		wantOn(a, onTheWay, "running")
		wantOn(b, leakedB, "running")

		wrong := configFile(t, settings("b", a)) // b's controller reaches a's engine
		if code, _, stderr := command(t, "sweep", "--config", wrong); code != 1 || !strings.Contains(stderr, "not trusted") {
			t.Errorf("%s: a sweep of b's rows with a's engine ended with %d: %s", driver, code, stderr)
		}
		want("after the wrong engine", map[string]string{
			"healthy-b": "ACTIVE " + healthyB, "ended-b": "TERMINATED " + endedB,
		})

		controller, log := process(t, "run", "--config", onB, "--metrics-bind-address", "0",
			"--health-probe-bind-address", "0")
		until(t, "b has swept", func() bool {
			return row(t, db, "gone-b") == "ERROR NULL" && row(t, db, "ended-b") == "TERMINATED NULL"
		})
		until(t, "b's leak is gone", func() bool { return stateOn(t, b, leakedB) == "gone" })
		if err := controller.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := controller.Wait(); err != nil {
			t.Errorf("%s: run ended with %v:\n%s", driver, err, log)
		}
		want("in the end", map[string]string{
			"healthy-a": "ACTIVE " + healthyA, "healthy-b": "ACTIVE " + healthyB, "nowhere": "ACTIVE " + strings.Repeat("c", 64),
			"moving": "ACTIVE NULL",
		})
		wantOn(a, healthyA, "running")
		wantOn(b, healthyB, "running")
		wantOn(a, onTheWay, "running")
	}
}
