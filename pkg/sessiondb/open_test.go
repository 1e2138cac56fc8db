package sessiondb_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// refusal is a table that a mapping does not fit, and what the sentence must say about it.
type refusal struct {
	reason string
	ddl    []string
	change func(*sessiondb.Config)
	query  string
	want   []string
}

func TestPostgresMappingIsCheckedAgainstTheRealTable(t *testing.T) {
	t.Parallel()
	create := func(columns string) []string { return []string{"CREATE TABLE sessions (" + columns + ")"} }
	good := create("id text PRIMARY KEY, status text, container_id text")
	timed := func(format string) func(*sessiondb.Config) {
		return func(c *sessiondb.Config) { c.Columns.UpdatedAt, c.TimeFormat = "at", format }
	}
	for _, tc := range []refusal{
		{
			reason: "a missing table: what was looked for, where, and what is there",
			ddl:    []string{`CREATE TABLE "Session" (id text)`, `CREATE SCHEMA other`, `CREATE TABLE other.things (id text)`},
			want: []string{
				"no table sessions", "database test_", "search path", "other.things, public.Session",
				"migrate --sessions-table",
			},
		},
		{
			reason: "the schema of the URL is where it was looked for",
			query:  "schema=app", want: []string{"no table sessions", "schema app", "none"},
		},
		{
			reason: "missing columns: which, and which are there",
			ddl:    create("id text PRIMARY KEY, state text, container text"),
			want:   []string{"public.sessions", "no column status, container_id", "id, state, container", "database.columns"},
		},
		{
			reason: "quoted names have case", ddl: create(`"ID" text PRIMARY KEY, status text, container_id text`),
			want: []string{"no column id", "ID, status"},
		},
		{
			reason: "without a unique index one write could hit several sessions",
			ddl:    create("id text, status text, container_id text"),
			want:   []string{"column id", "public.sessions", "unique index"},
		},
		{
			reason: "an index over more than the id does not make the id unique",
			ddl:    create("id text, status text, container_id text, UNIQUE (id, status)"), want: []string{"unique index"},
		},
		{
			reason: "a partial index leaves rows out",
			ddl: append(create("id text, status text, container_id text"),
				`CREATE UNIQUE INDEX ON sessions (id) WHERE status = 'ACTIVE'`),
			want: []string{"unique index"},
		},
		{
			reason: "an enum without the error status cannot take it",
			ddl: append([]string{`CREATE TYPE state AS ENUM ('ACTIVE', 'BROKEN')`},
				create("id text PRIMARY KEY, status state, container_id text")...),
			want: []string{"column status", "state", "ACTIVE, BROKEN", `"ERROR"`},
		},
		{
			reason: "a full id must fit, because a failed session is pinned to it",
			ddl:    create("id text PRIMARY KEY, status text, container_id varchar(36)"),
			want:   []string{"container_id", "varying(36)", "64"},
		},
		{
			reason: "the error status must fit",
			ddl:    create("id text PRIMARY KEY, status varchar(4), container_id text"),
			want:   []string{"column status", `"ERROR"`, "fit"},
		},
		{
			reason: "a claim is text",
			ddl:    create("id text PRIMARY KEY, status text, container_id uuid"),
			want:   []string{"container_id", "uuid", "text type"},
		},
		{
			reason: "a timestamp does not go into a number", change: timed("timestamp"),
			ddl:  create("id text PRIMARY KEY, status text, container_id text, at bigint"),
			want: []string{"column at", "timeFormat timestamp"},
		},
		{
			reason: "a number does not go into a timestamp", change: timed("unix"),
			ddl:  create("id text PRIMARY KEY, status text, container_id text, at timestamptz"),
			want: []string{"column at", "timeFormat unix"},
		},
		{
			reason: "milliseconds do not fit into four bytes", change: timed("unixMilli"),
			ddl:  create("id text PRIMARY KEY, status text, container_id text, at integer"),
			want: []string{"column at", "bigint"},
		},
		{
			reason: "a materialised view cannot be updated", change: func(c *sessiondb.Config) { c.Table = "v" },
			ddl:  append(good, `CREATE MATERIALIZED VIEW v AS SELECT id, status, container_id FROM sessions`),
			want: []string{"public.v", "cannot be updated"},
		},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			tc.check(t, plainOf(t, "postgres/plain"))
		})
	}
}

func TestSQLiteMappingIsCheckedAgainstTheRealTable(t *testing.T) {
	t.Parallel()
	create := func(columns string) []string { return []string{"CREATE TABLE sessions (" + columns + ")"} }
	for _, tc := range []refusal{
		{
			reason: "a missing table: what was looked for, where, and what is there",
			ddl:    []string{`CREATE TABLE "Session" (id text)`, `CREATE TABLE things (id text)`},
			want:   []string{"no table sessions", "data.db", "Session, things", "migrate --sessions-table"},
		},
		{
			reason: "a missing column is never taken for a string",
			ddl:    create("id TEXT PRIMARY KEY, status TEXT"), want: []string{"no column container_id", "id, status"},
		},
		{
			reason: "without a unique index one write could hit several sessions",
			ddl:    create("id TEXT, status TEXT, container_id TEXT"), want: []string{"column id", "unique index"},
		},
		{
			reason: "a key of two columns does not make the id unique",
			ddl:    create("id TEXT, status TEXT, container_id TEXT, PRIMARY KEY (id, status)"), want: []string{"unique index"},
		},
		{
			reason: "a partial index leaves rows out",
			ddl: append(create("id TEXT, status TEXT, container_id TEXT"),
				`CREATE UNIQUE INDEX one ON sessions (id) WHERE status = 'ACTIVE'`),
			want: []string{"unique index"},
		},
		{
			reason: "a number would swallow a short id of digits only",
			ddl:    create("id TEXT PRIMARY KEY, status TEXT, container_id STRING"),
			want:   []string{"container_id", "string", "text type"},
		},
		{
			reason: "an id in a BLOB is not found by its text",
			ddl:    create("id BLOB PRIMARY KEY, status TEXT, container_id TEXT"),
			want:   []string{"column id", "blob", "TEXT or INTEGER"},
		},
		{
			reason: "a view cannot be updated", change: func(c *sessiondb.Config) { c.Table = "v" },
			ddl: append(create("id TEXT PRIMARY KEY, status TEXT, container_id TEXT"),
				`CREATE VIEW v AS SELECT id, status, container_id FROM sessions`),
			want: []string{"v is a view"},
		},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			tc.check(t, plainOf(t, "sqlite/plain"))
		})
	}
}

func (r refusal) check(t *testing.T, s shape) {
	t.Helper()
	s.ddl = r.ddl
	if s.sqlite {
		s.ddl = append([]string{`PRAGMA user_version = 1`}, r.ddl...) // so that there is a file
	}
	s.query = r.query
	f := create(t, s)
	if r.change != nil {
		r.change(&f.config)
	}
	store, err := sessiondb.Open(t.Context(), f.config)
	if err == nil {
		closed(t, store)
		t.Fatal("Open succeeded")
	}
	if errors.Is(err, sessiondb.ErrUnreachable) {
		t.Errorf("%v is ErrUnreachable, but the database was reached", err)
	}
	for _, want := range r.want {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
}

func TestASecondUniqueIndexOnTheIDIsEnough(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres/plain", "sqlite/plain"} {
		s := plainOf(t, name)
		s.ddl = []string{
			`CREATE TABLE sessions (n integer PRIMARY KEY, id text, status text, container_id text)`,
			`CREATE UNIQUE INDEX sessions_by_id ON sessions (id)`,
		}
		open(t, s)
	}
}

func TestAnUpdatableViewIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	s := plainOf(t, "postgres/plain")
	s.ddl = append(s.ddl, `CREATE VIEW live AS SELECT id, status, container_id FROM sessions`)
	s.table = "live"
	f := open(t, s)
	f.insert("a", "ACTIVE", "x")
	if _, err := f.store.Fail(t.Context(), f.get("a"), sessiondb.Failure{}); err != nil {
		t.Error(err)
	}
}

func TestOpenNeverCreatesASQLiteFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "missing.db")
	notADatabase := filepath.Join(dir, "text.db")
	if err := os.WriteFile(notADatabase, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ reason, url, want string }{
		{"a missing file", "file:" + path, "there is no file " + path},
		{"a missing file that the URL would create", "file:" + path + "?mode=rwc", "migrate --sessions-table"},
		{"a directory", "file:" + dir, "is a directory"},
		{"a file of another kind", "file:" + notADatabase, "no SQLite database"},
	} {
		cfg := sessiondb.DefaultConfig()
		cfg.URL = tc.url
		store, err := sessiondb.Open(t.Context(), cfg)
		if err == nil {
			closed(t, store)
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: Open = %v, want it to say %q", tc.reason, err, tc.want)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("stat %s = %v, want it not to exist", path, err)
	}
}

func TestDescribeNamesDatabaseAndTable(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		got := f.store.Describe()
		want := "PostgreSQL database test_"
		if f.sqlite {
			want = "SQLite database /"
		}
		if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, ", table "+f.table) {
			t.Errorf("Describe() = %q", got)
		}
	})
}
