package sessiondb

import (
	"regexp"
	"strings"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// An index on the claim column is what keeps Claimants and Claiming cheap in a large table, and casts or conversions
// are what would keep it from being used: the plan is asked for the very statements that are sent.
func TestStatementsUseTheIndexOnTheClaim(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, column string }{
		{"text", "text"},
		{"varchar", "varchar(100)"},
		{"char", "char(64)"},
	} {
		t.Run("postgres/"+tc.name, func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			cfg.URL = testenv.PostgresURL(t)
			s := prepared(t, cfg, `CREATE TABLE sessions (id uuid PRIMARY KEY, status text, container_id `+tc.column+`)`)
			for _, look := range []struct{ query, want string }{
				{s.sql.claimants, `Index Scan (on|using) claim\b[^>]*Index Cond: .*container_id.* = ANY`},
				{s.sql.claiming, `Index Scan (on|using) claim\b[^>]*Index Cond: .*container_id.* > `},
				{s.sql.get, `sessions_pkey[^>]*Index Cond: \(id = `},
				{s.sql.gets, `sessions_pkey[^>]*Index Cond: \(id = ANY`},
			} {
				const id = "a0eebc99-9c0b-4ef8-bb6d-000000000001"
				arg := "{a,b}"
				switch look.query {
				case s.sql.get:
					arg = id
				case s.sql.gets:
					arg = "{" + id + "}"
				}
				plan := strings.ReplaceAll(look.query, "$1", "'"+arg+"'")
				var lines []string
				// One transaction, so that the setting and the plan meet on one connection.
				tx := s.write.MustBegin()
				tx.MustExec("SET LOCAL enable_seqscan = off")
				err := tx.Select(&lines, "EXPLAIN "+plan)
				if err != nil {
					t.Fatal(err)
				}
				if err := tx.Rollback(); err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(lines, "\n"); !regexp.MustCompile(look.want).MatchString(got) {
					t.Errorf("%s\nhas the plan\n%s\nwithout %q", look.query, got, look.want)
				}
			}
		})
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		cfg := DefaultConfig()
		cfg.URL = "file:" + t.TempDir() + "/data.db"
		if _, err := CreateSessionsTable(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		s := prepared(t, cfg)
		for query, want := range map[string]string{
			s.sql.claimants: "USING INDEX claim (container_id=?)",
			s.sql.get:       "USING INDEX sqlite_autoindex_sessions_1 (id=?)",
		} {
			var steps []struct {
				ID      int    `db:"id"`
				Parent  int    `db:"parent"`
				NotUsed int    `db:"notused"`
				Detail  string `db:"detail"`
			}
			if err := s.read.SelectContext(t.Context(), &steps, "EXPLAIN QUERY PLAN "+query, `["a","b"]`); err != nil {
				t.Fatal(err)
			}
			plan := make([]string, 0, len(steps))
			for _, step := range steps {
				plan = append(plan, step.Detail)
			}
			if got := strings.Join(plan, "\n"); !strings.Contains(got, want) {
				t.Errorf("%s\nhas the plan\n%s\nwithout %q", query, got, want)
			}
		}
	})
}

// prepared opens a store on a table with an index on the claim.
func prepared(t *testing.T, cfg Config, ddl ...string) *Store {
	t.Helper()
	b, err := newBackend(cfg)
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := b.open()
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range append(ddl, `CREATE INDEX claim ON sessions (container_id)`) {
		if _, err := write.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	s := &Store{
		backend: b, read: read, write: write, statuses: cfg.Statuses, config: cfg, timing: cfg.Timing.withDefaults(),
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.prepare(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return s
}
