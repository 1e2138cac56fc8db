package testenv_test

import (
	"database/sql"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()

	first, second := open(t, testenv.PostgresURL(t)), open(t, testenv.PostgresURL(t))

	if _, err := first.ExecContext(t.Context(), "CREATE TABLE mine (id int)"); err != nil {
		t.Fatal(err)
	}

	if got := count(t, second, "SELECT count(*) FROM pg_tables WHERE tablename = 'mine'"); got != 0 {
		t.Errorf("a second database has the first one's table")
	}
}

//nolint:tparallel // The inner test must have ended when the outer one looks.
func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()

	var name string

	outer := t

	t.Run("inner", func(t *testing.T) {
		db, err := sql.Open("postgres", testenv.PostgresURL(t))
		if err != nil {
			t.Fatal(err)
		}

		if err := db.QueryRowContext(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}

		// Open beyond the end of the inner test, as a connection that somebody forgot.
		closeLater(outer, db)
	})

	server := open(t, testenv.PostgresURL(t))
	if got := count(t, server, "SELECT count(*) FROM pg_database WHERE datname = '"+name+"'"); got != 0 {
		t.Errorf("database %s is still there although its test has ended", name)
	}
}

func open(t *testing.T, url string) *sql.DB {
	t.Helper()

	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}

	closeLater(t, db)

	return db
}

func closeLater(t *testing.T, db *sql.DB) {
	t.Helper()

	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
}

func count(t *testing.T, db *sql.DB, query string) int {
	t.Helper()

	var n int
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}

	return n
}
