package sessiondb_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// TestTheDocumentedRoleIsEnoughAndNoMore runs the store's whole path as the role of config/postgres/roles.sql.
func TestTheDocumentedRoleIsEnoughAndNoMore(t *testing.T) {
	t.Parallel()
	s := plainOf(t, "postgres/plain")
	s.ddl = []string{`CREATE TABLE sessions (id text PRIMARY KEY, status text, container_id text, secret text)`}
	f := create(t, s)
	f.migrate(sessiondb.MigrateOptions{})
	owner := f.config.URL
	role := f.role()
	script, err := os.ReadFile("../../config/postgres/roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	// Roles belong to the whole server: this test has one of its own, which is there already.
	for statement := range strings.SplitSeq(withoutComments(string(script)), ";") {
		statement = strings.ReplaceAll(statement, "session_controller", role)
		f.exec(strings.ReplaceAll(statement, "CREATE ROLE", "ALTER ROLE"))
	}

	f.config.NotifyChannel = "failed"
	f.open()
	h := f.follow(time.Hour)
	h.expect("it hears the trigger", "notify up", "gap")
	f.insert("a", "ACTIVE", "x")
	h.expect("and the owner's changes", "change a")
	if _, err := collect(t.Context(), f.store); err != nil {
		t.Errorf("Claiming: %v", err)
	}
	if _, err := f.store.Claimants(t.Context(), []string{"x"}); err != nil {
		t.Errorf("Claimants: %v", err)
	}
	if _, err := f.store.UnknownStatuses(t.Context()); err != nil {
		t.Errorf("UnknownStatuses: %v", err)
	}
	row, err := f.store.SetClaim(t.Context(), f.get("a"), fullID)
	if err != nil {
		t.Fatalf("SetClaim: %v", err)
	}
	if row, err = f.store.Fail(t.Context(), row, died()); err != nil {
		t.Fatalf("Fail: %v", err)
	}
	if _, err := f.store.Release(t.Context(), row); err != nil {
		t.Errorf("Release: %v", err)
	}

	as := connect(t, "postgres", addQuery(t, owner, "role="+role))
	for _, statement := range []string{
		`DELETE FROM sessions`, `INSERT INTO sessions VALUES ('b')`, `SELECT secret FROM sessions`,
		`UPDATE sessions SET id = 'c'`, `CREATE SCHEMA mine`, `DROP TRIGGER session_controller_notify ON sessions`,
	} {
		if _, err := as.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("the role may %s", statement)
		}
	}
}

func withoutComments(script string) string {
	return strings.TrimRight(regexp.MustCompile(`(?m)^--.*$`).ReplaceAllString(script, ""), "; \n")
}
