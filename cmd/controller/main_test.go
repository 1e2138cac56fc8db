package main

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"

	"github.com/session-controller/session-controller/test/testenv"
)

// asCommand makes the test binary behave as session-controller itself: a test of signals needs a process.
const asCommand = "SESSION_CONTROLLER_TEST_AS_COMMAND"

// The values of asCommand.
const (
	asUsual   = "usual"
	asReplica = "replica" // with a lease of 5 s
)

func TestMain(m *testing.M) {
	switch os.Getenv(asCommand) {
	case asUsual:
		main()
	case asReplica:
		// As usual, but three times as fast.
		brief := election{lease: 5 * time.Second, renew: 4 * time.Second, retry: 500 * time.Millisecond}
		os.Exit(runWith(untilSignalled(os.Exit), os.Args[1:], os.Stdout, os.Stderr, brief))
	}
	testenv.Parallel(8)
	goleak.VerifyTestMain(m)
}

// command runs one command in this process and returns its exit code and what it wrote.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// process starts the command as a process of its own, ready to be sent signals.
func process(t *testing.T, args ...string) (*exec.Cmd, *lockedBuffer) {
	t.Helper()
	return processAs(t, asUsual, args...)
}

func processAs(t *testing.T, as string, args ...string) (*exec.Cmd, *lockedBuffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asCommand+"="+as)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &log
}

// sqlite returns the URL of a database with the reference table, and a connection to it.
func sqlite(t *testing.T) (url string, db *sql.DB) {
	t.Helper()
	url = "file:" + filepath.Join(t.TempDir(), "sessions.db")
	if code, _, stderr := command(t, "migrate", "--sessions-table", "--database-url", url); code != 0 {
		t.Fatalf("migrate ended with %d: %s", code, stderr)
	}
	return url, open(t, "sqlite", url+"?_pragma=busy_timeout(5000)")
}

// postgres is the same for PostgreSQL.
func postgres(t *testing.T) (url string, db *sql.DB) {
	t.Helper()
	url = testenv.PostgresURL(t)
	if code, _, stderr := command(t, "migrate", "--sessions-table", "--database-url", url); code != 0 {
		t.Fatalf("migrate ended with %d: %s", code, stderr)
	}
	return url, open(t, "postgres", url)
}

func open(t *testing.T, driver, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func insert(t *testing.T, db *sql.DB, id, status string, claim any) {
	t.Helper()
	_, err := db.ExecContext(t.Context(),
		`INSERT INTO sessions (id, status, container_id) VALUES ($1, $2, $3)`, id, status, claim)
	if err != nil {
		t.Fatal(err)
	}
}

// row returns "STATUS claim" of a session, NULL for a claim that is.
func row(t *testing.T, db *sql.DB, id string) string {
	t.Helper()
	var text string
	err := db.QueryRowContext(t.Context(),
		`SELECT status || ' ' || coalesce(container_id, 'NULL') FROM sessions WHERE id = $1`, id).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// configFile writes a configuration file; the engine is the tests' own.
func configFile(t *testing.T, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// until waits for a condition; it fails the test after a time that is long for any machine.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited a minute in vain until %s", what)
		}
	}
}

// wantAll checks that a text holds every one of these.
func wantAll(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}
