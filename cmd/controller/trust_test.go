package main

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

func TestAnEngineThatNobodyKnowsIsServedAfterAnOperatorSaidSo(t *testing.T) {
	t.Parallel()
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, db := database(t)
			insert(t, db, "s1", "ACTIVE", testenv.Name(t, "claude-work-"))
			with := func(args ...string) []string {
				return append(args, "--database-url", url, "--config", configFile(t, withEngine(t, noGraces)))
			}
			for _, args := range [][]string{{"plan"}, {"sweep"}, {"sweep", "--dry-run"}} {
				code, _, stderr := command(t, with(args...)...)
				if code != 1 || !strings.Contains(stderr, "trust-engine") {
					t.Errorf("%q ended with %d and %q, want 1 and what to do", args, code, stderr)
				}
			}
			code, stdout, stderr := command(t, with("plan", "--as-if-trusted")...)
			if code != 2 || !strings.Contains(stdout, "ContainerGone") {
				t.Errorf("what a yes would lead to is not planned: %d and %q%q", code, stdout, stderr)
			}
			if code, _, stderr := command(t, with("trust-engine")...); code != 1 || !strings.Contains(stderr, "--yes") {
				t.Errorf("without a yes: %d and %q", code, stderr)
			}
			if got := row(t, db, "s1"); !strings.HasPrefix(got, "ACTIVE ") {
				t.Fatalf("the row is %q before anybody trusted the engine", got)
			}
			code, stdout, stderr = command(t, with("trust-engine", "--yes")...)
			if code != 0 {
				t.Fatalf("trust-engine ended with %d: %s", code, stderr)
			}
			wantAll(t, stdout, "remembered: -", identity(t), "accepted")
			if _, stdout, _ := command(t, with("trust-engine")...); !strings.Contains(stdout, "nothing to do") {
				t.Errorf("the second time: %q", stdout)
			}
			if code, _, stderr := command(t, with("sweep")...); code != 0 {
				t.Errorf("sweep ended with %d: %s", code, stderr)
			}
			if got := row(t, db, "s1"); got != "ERROR NULL" {
				t.Errorf("the row is %q, want it failed now", got)
			}
		})
	}
}

func TestADryRunRemembersNoEngine(t *testing.T) {
	t.Parallel()
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, db := database(t)
			with := func(args ...string) []string {
				return append(args, "--database-url", url, "--config", configFile(t, withEngine(t, noGraces)))
			}
			for _, args := range [][]string{{"sweep", "--dry-run"}, {"plan"}} {
				if code, _, stderr := command(t, with(args...)...); code != 0 {
					t.Fatalf("%q ended with %d: %s", args, code, stderr)
				}
			}
			if path, isFile := strings.CutPrefix(url, "file:"); isFile {
				if _, err := os.Stat(path + ".session-controller.db"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a dry run made the controller's own file: %v", err)
				}
			} else if _, err := db.ExecContext(t.Context(), `SELECT 1 FROM session_controller.engine`); err != nil {
				t.Errorf("migrate has made the tables, and they are not there: %v", err)
			}
			if _, stdout, _ := command(t, with("trust-engine")...); !strings.Contains(stdout, "remembered: -") {
				t.Errorf("a dry run remembered an engine: %q", stdout)
			}
			command(t, with("sweep")...)
			if _, stdout, _ := command(t, with("trust-engine")...); !strings.Contains(stdout, "nothing to do") {
				t.Errorf("a sweep did not remember the engine: %q", stdout)
			}
		})
	}
}

func databases() map[string]func(*testing.T) (string, *sql.DB) {
	return map[string]func(*testing.T) (string, *sql.DB){"postgres": postgres, "sqlite": sqlite}
}
