package sessiondb_test

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Another sessions table of the same database has its engine remembered there, or is paused.
func TestUninstallKeepsWhatOtherTablesHaveInTheLedger(t *testing.T) {
	t.Parallel()
	for _, byHand := range []bool{false, true} {
		f := create(t, plainOf(t, "postgres/plain"))
		for _, table := range []string{"one", "two"} {
			f.config.Table = table
			f.migrate(sessiondb.MigrateOptions{SessionsTable: true})
			f.open()
			l := f.ledger()
			if err := l.TrustEngine(t.Context(), "engine of "+table); err != nil {
				t.Fatal(err)
			}
			if err := l.SetPause(t.Context(), time.Hour, "me", table); err != nil {
				t.Fatal(err)
			}
		}
		f.config.Table = "one"
		uninstall := func() {
			if !byHand {
				f.migrate(sessiondb.MigrateOptions{Uninstall: true})
				return
			}
			statements, err := sessiondb.Statements(f.config, sessiondb.MigrateOptions{Uninstall: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range statements {
				f.exec(statement)
			}
		}
		uninstall()
		f.config.Table = "two"
		f.open()
		wantEngine(t, f.ledger(), "engine of two")
		if p, err := f.ledger().Paused(t.Context()); err != nil || p.Reason != "two" {
			t.Errorf("by hand %t: the other table's pause is %+v, %v", byHand, p, err)
		}
	}
}
