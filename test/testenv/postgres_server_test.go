package testenv_test

import (
	"database/sql"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

func TestPostgresIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()

	p := testenv.StartPostgres(t, "max_connections=7")
	db := open(t, p.URL())

	if got := count(t, db, "SELECT current_setting('max_connections')::int"); got != 7 {
		t.Errorf("max_connections is %d, want 7", got)
	}

	if _, err := db.ExecContext(t.Context(), "CREATE TABLE mine AS SELECT 1 AS id"); err != nil {
		t.Fatal(err)
	}

	p.Kill()

	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a killed server answered")
	}

	p.Start()

	if got := count(t, db, "SELECT count(*) FROM mine"); got != 1 {
		t.Errorf("%d rows after the restart, want the one that was committed", got)
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
