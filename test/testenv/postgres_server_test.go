package testenv_test

import (
	"database/sql"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

func TestPostgresIsEndedAndStartedAgain(t *testing.T) {
	t.Parallel()

	for name, tt := range map[string]struct {
		end func(*testenv.Postgres)
		// unlogged is what is left of an unlogged table: PostgreSQL empties it after a crash, and only then.
		unlogged int
	}{
		"killed":  {(*testenv.Postgres).Kill, 0},
		"stopped": {(*testenv.Postgres).Stop, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p := testenv.StartPostgres(t, "max_connections=7")
			db := open(t, p.URL())

			if got := count(t, db, "SELECT current_setting('max_connections')::int"); got != 7 {
				t.Errorf("max_connections is %d, want 7", got)
			}

			for _, kind := range []string{"TABLE mine", "UNLOGGED TABLE unlogged"} {
				if _, err := db.ExecContext(t.Context(), "CREATE "+kind+" AS SELECT 1 AS id"); err != nil {
					t.Fatal(err)
				}
			}

			tt.end(p)

			if err := db.PingContext(t.Context()); err == nil {
				t.Error("a server that has ended answered")
			}

			p.Start()

			if got := count(t, db, "SELECT count(*) FROM mine"); got != 1 {
				t.Errorf("%d rows after the restart, want the one that was committed", got)
			}

			if got := count(t, db, "SELECT count(*) FROM unlogged"); got != tt.unlogged {
				t.Errorf("%d rows of the unlogged table after the restart, want %d", got, tt.unlogged)
			}
		})
	}
}

//nolint:tparallel // The inner test must have ended when the outer one looks.
func TestPostgresEndsWithItsTest(t *testing.T) {
	t.Parallel()

	var url string

	t.Run("inner", func(t *testing.T) { url = testenv.StartPostgres(t).URL() })

	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer closeLater(t, db)

	if err := db.PingContext(t.Context()); err == nil {
		t.Error("the server outlived its test")
	}
}
