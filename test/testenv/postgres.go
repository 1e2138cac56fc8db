package testenv

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/lib/pq"
)

const postgresVariable = "SESSION_CONTROLLER_TEST_POSTGRES_URL"

// PostgresURL is the URL of an empty database that no other test uses, with the rights of a superuser. The database is
// dropped when the test ends, even if connections to it are still open. It fails the test when there is no server.
func PostgresURL(t testing.TB) string {
	t.Helper()

	text := os.Getenv(postgresVariable)
	if text == "" {
		t.Fatalf("this test needs a PostgreSQL server and %s is not set: %s", postgresVariable, howToGet)
	}

	server, err := url.Parse(text)
	if err != nil {
		// The error is left out because it quotes the URL with its password.
		t.Fatalf("%s is not a URL: set it to one such as postgres://user:password@host:port/postgres", postgresVariable)
	}

	name := "test_" + strings.ToLower(rand.Text()[:16])
	// Copying the template's files takes a fifth of the time of logging each of their blocks, which is the default.
	execute(t, text, "CREATE DATABASE "+pq.QuoteIdentifier(name)+" STRATEGY file_copy")
	t.Cleanup(func() { execute(t, text, "DROP DATABASE "+pq.QuoteIdentifier(name)+" WITH (FORCE)") })

	own := *server
	own.Path = "/" + name

	return own.String()
}

// execute runs one statement on the server over a connection of its own.
func execute(t testing.TB, server, statement string) {
	t.Helper()

	ctx, cancel := cleanupContext(t)
	defer cancel()

	db, err := sql.Open("postgres", server)
	if err != nil {
		t.Fatalf("open the test server of %s: %v", postgresVariable, err)
	}
	defer db.Close() //nolint:errcheck // The statement's own error says all.

	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s on the test server: %v: %s", statement, err, howToGet)
	}
}
