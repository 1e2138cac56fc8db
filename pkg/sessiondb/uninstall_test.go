package sessiondb_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Another sessions table of the same database has its engine remembered there, or is paused.
func TestUninstallKeepsWhatOtherTablesHaveInTheLedger(t *testing.T) {
	t.Parallel()
	for n := range 4 {
		byHand, known := n%2 == 1, n/2 == 1 // by hand, and whether the table itself has records
		f := create(t, plainOf(t, "postgres/plain"))
		for _, table := range []string{"one", "two"} {
			f.config.Table = table
			f.migrate(sessiondb.MigrateOptions{SessionsTable: true})
			f.open()
			l := f.ledger()
			if table == "one" && !known {
				continue
			}
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

// Somebody uninstalls while a controller runs: it must not be stopped by that for ever.
func TestTablesThatAreGoneKeepNoPause(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/plain"))
	f.migrate(sessiondb.MigrateOptions{SessionsTable: true})
	f.open()
	l := f.ledger()
	f.exec(`DROP SCHEMA session_controller CASCADE`)
	if p, err := l.Paused(t.Context()); !errors.Is(err, sessiondb.ErrNoLedger) {
		t.Errorf("got %+v, %v, want that there are no tables", p, err)
	}
}

// The side file of an older version, or one that a full disk has left empty.
func TestAFileWithoutTheTablesIsNoLedger(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "sqlite/plain"))
	side := strings.TrimPrefix(f.config.URL, "file:") + ".session-controller.db"
	if err := os.WriteFile(side, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.OpenLedger(t.Context(), false); !errors.Is(err, sessiondb.ErrNoLedger) {
		t.Errorf("got %v, want that there is none", err)
	}
	if p, err := f.ledger().Paused(t.Context()); err != nil || p.Made != 0 {
		t.Errorf("made where they may be, it reads %+v, %v", p, err)
	}
}
