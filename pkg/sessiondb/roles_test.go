package sessiondb_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"

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
	// Roles belong to the whole server: this test has one of its own, which is there already, as after the README's steps.
	f.exec(strings.NewReplacer("TO session_controller", "TO "+role, "ROLE session_controller", "ROLE "+role).
		Replace(string(script)))

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

	ledger, err := f.store.OpenLedger(t.Context(), true)
	if err != nil {
		t.Fatalf("OpenLedger: %v", err)
	}
	if err := ledger.RememberEngine(t.Context(), "one", ""); err != nil {
		t.Errorf("RememberEngine: %v", err)
	}
	if err := ledger.TrustEngine(t.Context(), "two"); err != nil {
		t.Errorf("TrustEngine: %v", err)
	}
	if err := ledger.Lease("x", "me").Create(t.Context(), resourcelock.LeaderElectionRecord{}); err != nil {
		t.Errorf("Create a lease: %v", err)
	}

	f.exec(`REVOKE ALL ON ALL TABLES IN SCHEMA session_controller FROM ` + role) // as where they are made anew
	if _, err := ledger.RememberedEngine(t.Context()); !errors.Is(err, sessiondb.ErrLedgerDenied) ||
		!strings.Contains(err.Error(), "let it SELECT") {
		t.Errorf("the role may not read them any more: %v", err)
	}
	if _, err := ledger.Paused(t.Context()); !errors.Is(err, sessiondb.ErrLedgerDenied) {
		t.Errorf("the role may not read a pause any more: %v", err)
	}

	as := connect(t, "postgres", addQuery(t, owner, "role="+role))
	for _, statement := range []string{
		`DELETE FROM sessions`, `INSERT INTO sessions VALUES ('b')`, `SELECT secret FROM sessions`,
		`UPDATE sessions SET id = 'c'`, `DROP TABLE session_controller.engine`, `CREATE TABLE session_controller.mine ()`,
		`CREATE SCHEMA mine`, `DROP TRIGGER session_controller_notify ON sessions`,
	} {
		if _, err := as.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("the role may %s", statement)
		}
	}
}

func TestARoleThatMayNotMakeTheOwnTablesIsToldWhatIsLost(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/plain"))
	f.exec(`GRANT SELECT, UPDATE ON sessions TO ` + f.role())
	f.open()
	_, err := f.store.OpenLedger(t.Context(), true)
	if !errors.Is(err, sessiondb.ErrNoLedger) || !strings.Contains(err.Error(), "docker.identity") {
		t.Errorf("got %v, want what can be done about it", err)
	}
	migrated := *f
	migrated.config.URL = strings.Split(f.config.URL, "&role=")[0]
	migrated.migrate(sessiondb.MigrateOptions{})
	if _, err := f.store.OpenLedger(t.Context(), true); !errors.Is(err, sessiondb.ErrNoLedger) {
		t.Errorf("got %v, want that the role may not use them", err)
	}
}
