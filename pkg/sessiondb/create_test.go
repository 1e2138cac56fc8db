package sessiondb_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// emptyDatabases are a PostgreSQL database and a SQLite file that is not there yet.
func emptyDatabases(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"postgres": testenv.PostgresURL(t),
		"sqlite":   "file:" + filepath.Join(t.TempDir(), "new.db"),
	}
}

func TestCreateSessionsTable(t *testing.T) {
	t.Parallel()
	for kind, at := range emptyDatabases(t) {
		for _, format := range []string{
			"", sessiondb.TimeFormatTimestamp, sessiondb.TimeFormatUnix, sessiondb.TimeFormatUnixMilli,
		} {
			cfg := sessiondb.DefaultConfig()
			cfg.URL, cfg.Table = at, "Sessions "+format
			if format != "" {
				cfg.Columns.UpdatedAt, cfg.TimeFormat = "updatedAt", format
			}
			for _, want := range []bool{true, false} {
				created, err := sessiondb.CreateSessionsTable(t.Context(), cfg)
				if err != nil || created != want {
					t.Errorf(
						"%s %q: created = %v, %v; want %v: it is created once, and left alone after that",
						kind,
						format,
						created,
						err,
						want,
					)
				}
			}
			store, err := sessiondb.Open(t.Context(), cfg)
			if err != nil {
				t.Errorf("%s %q: the reference table does not fit its own mapping: %v", kind, format, err)
				continue
			}
			closed(t, store)
		}
	}
}

func TestCreateSessionsTableLeavesAnExistingTableAndChecksIt(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres/plain", "sqlite/plain"} {
		s := plainOf(t, name)
		s.ddl = []string{`CREATE TABLE sessions (id text PRIMARY KEY)`}
		f := create(t, s)
		created, err := sessiondb.CreateSessionsTable(t.Context(), f.config)
		if created || err == nil || !strings.Contains(err.Error(), "no column status, container_id") {
			t.Errorf("%s: created = %v, %v; want the existing table checked", name, created, err)
		}
	}
}

func TestCreateSessionsTableKeepsTheJournalModeOfAnExistingFile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ reason, before, want string }{
		{"a file of its own making is in WAL mode, for two processes", "", "wal"},
		{"the mode of a file that is there is its owner's business", "PRAGMA user_version = 1", "delete"},
	} {
		path := filepath.Join(t.TempDir(), "data with space # and ? and %.db")
		name := "file:" + (&url.URL{Path: path}).EscapedPath()
		if tc.before != "" {
			if _, err := connect(t, "sqlite", name).ExecContext(t.Context(), tc.before); err != nil {
				t.Fatal(err)
			}
		}
		cfg := sessiondb.DefaultConfig()
		cfg.URL = name
		if _, err := sessiondb.CreateSessionsTable(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		var mode string
		if err := connect(t, "sqlite", name).QueryRowContext(t.Context(), "PRAGMA journal_mode").Scan(&mode); err != nil {
			t.Fatal(err)
		}
		if mode != tc.want {
			t.Errorf("%s: journal mode %s, want %s", tc.reason, mode, tc.want)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the file is not where it was asked for: %v", err)
		}
	}
}

func TestTwoCreateTheTableAtOnce(t *testing.T) {
	t.Parallel()
	for kind, at := range emptyDatabases(t) {
		cfg := sessiondb.DefaultConfig()
		cfg.URL = at
		var wg sync.WaitGroup
		created, errs := make([]bool, 4), make([]error, 4)
		for n := range created {
			wg.Go(func() { created[n], errs[n] = sessiondb.CreateSessionsTable(t.Context(), cfg) })
		}
		wg.Wait()
		times := 0
		for n := range created {
			if errs[n] != nil {
				t.Errorf("%s: %v", kind, errs[n])
			}
			if created[n] {
				times++
			}
		}
		if times != 1 {
			t.Errorf("%s: created %d times, want once", kind, times)
		}
	}
}

func TestWhatCannotBeCreatedIsExplained(t *testing.T) {
	t.Parallel()
	postgres := plainOf(t, "postgres/plain")
	postgres.ddl = []string{`CREATE SCHEMA closed`}
	f := create(t, postgres)
	role := f.role()
	for _, tc := range []struct{ reason, url, table, want string }{
		{"no directory", "file:" + filepath.Join(t.TempDir(), "no", "data.db"), "sessions", "create it first"},
		{"no schema", f.config.URL, "nowhere.sessions", "create the schema first"},
		{"no right", f.config.URL, "closed.sessions", "GRANT CREATE ON SCHEMA"},
		{"no valid configuration", "", "sessions", "database.url is empty"},
	} {
		cfg := sessiondb.DefaultConfig()
		cfg.URL, cfg.Table = tc.url, tc.table
		if _, err := sessiondb.CreateSessionsTable(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want it to say %q (role %s)", tc.reason, err, tc.want, role)
		}
	}
}
