package sessiondb_test

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Another sessions table of the same database has its engine remembered there and is paused, or has a lease only.
func TestUninstallKeepsWhatOtherTablesHaveInTheLedger(t *testing.T) {
	t.Parallel()
	for n := range 8 {
		byHand, known, leaseOnly := n&1 != 0, n&2 != 0, n&4 != 0 // known: the table itself has records, too
		t.Run(fmt.Sprintf("by hand %t, known %t, lease only %t", byHand, known, leaseOnly), func(t *testing.T) {
			t.Parallel()
			f := create(t, plainOf(t, "postgres/plain"))
			f.config.Table = "one"
			f.migrate(sessiondb.MigrateOptions{SessionsTable: true})
			if known {
				f.records(leaseOnly)
			}
			f.config.Table = "two"
			f.migrate(sessiondb.MigrateOptions{SessionsTable: true})
			others := f.records(leaseOnly)

			f.config.Table = "one"
			f.uninstall(byHand)
			f.config.Table = "two"
			f.open()
			l := f.ledger()
			if _, _, err := l.Lease("node", "me").Get(t.Context()); err != nil {
				t.Errorf("the other table's lease is gone: %v", err)
			}
			if p, err := l.Paused(t.Context()); err != nil || !leaseOnly && p.Reason != "why" {
				t.Errorf("the other table's pause is %+v, %v", p, err)
			}
			if !leaseOnly {
				wantEngine(t, l, "engine of two")
			}
			if all := f.recorded(); all != others {
				t.Errorf("%d records are left, want the other table's %d", all, others)
			}
			f.uninstall(byHand)
			if _, err := f.store.OpenLedger(t.Context(), false); !errors.Is(err, sessiondb.ErrNoLedger) {
				t.Errorf("the last table is uninstalled, and the controller's own are still there: %v", err)
			}
		})
	}
}

// An older version had no pauses: what another table has there is kept all the same.
func TestUninstallKeepsWhatAnOlderVersionWrote(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres/plain", "sqlite/plain"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := create(t, plainOf(t, name))
			for _, table := range []string{"one", "two"} {
				f.config.Table = table
				f.migrate(sessiondb.MigrateOptions{SessionsTable: true})
				f.records(false)
			}
			if name == "postgres/plain" {
				f.exec(`DROP TABLE session_controller.pause`)
			} else if _, err := connect(t, "sqlite", f.config.URL+".session-controller.db").
				ExecContext(t.Context(), `DROP TABLE pause`); err != nil {
				t.Fatal(err)
			}
			f.config.Table = "one"
			f.migrate(sessiondb.MigrateOptions{Uninstall: true})
			f.config.Table = "two"
			f.open()
			wantEngine(t, f.ledger(), "engine of two")
		})
	}
}

// records writes what a controller of this table writes down, and returns how many records that is.
func (f *fixture) records(leaseOnly bool) int {
	f.t.Helper()
	f.open()
	l := f.ledger()
	if err := l.Lease("node", "me").Create(f.t.Context(), resourcelock.LeaderElectionRecord{}); err != nil {
		f.t.Fatal(err)
	}
	if leaseOnly { // it waits until its engine is trusted
		return 1
	}
	if err := l.TrustEngine(f.t.Context(), "engine of "+f.config.Table); err != nil {
		f.t.Fatal(err)
	}
	if err := l.SetPause(f.t.Context(), time.Hour, "me", "why"); err != nil {
		f.t.Fatal(err)
	}
	return 3
}

// recorded counts the records of all tables.
func (f *fixture) recorded() (n int) {
	f.t.Helper()
	if err := f.raw.QueryRowContext(f.t.Context(), `SELECT (SELECT count(*) FROM session_controller.engine) +
		(SELECT count(*) FROM session_controller.pause) + (SELECT count(*) FROM session_controller.lease)`).
		Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// uninstall does it, or what it prints.
func (f *fixture) uninstall(byHand bool) {
	f.t.Helper()
	if !byHand {
		f.migrate(sessiondb.MigrateOptions{Uninstall: true})
		return
	}
	statements, err := sessiondb.Statements(f.config, sessiondb.MigrateOptions{Uninstall: true})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, statement := range statements {
		f.exec(statement)
	}
}

// Somebody uninstalls while a controller runs, or restores a backup that has no tables: it must not be stopped by that
// for ever.
func TestTablesThatAreGoneAreNoFailureOfTheDatabase(t *testing.T) {
	t.Parallel()
	for name, away := range map[string]func(f *fixture, side string){
		"postgres/plain": func(f *fixture, _ string) { f.exec(`DROP SCHEMA session_controller CASCADE`) },
		"sqlite/plain": func(f *fixture, side string) {
			if err := os.Remove(side); err != nil {
				f.t.Fatal(err)
			}
		},
		"sqlite/plain, only the tables": func(f *fixture, side string) {
			db, err := sql.Open("sqlite", "file:"+side)
			if err != nil {
				f.t.Fatal(err)
			}
			for _, table := range []string{"engine", "lease", "pause"} {
				if _, err := db.ExecContext(f.t.Context(), "DROP TABLE "+table); err != nil {
					f.t.Fatal(err)
				}
			}
			if err := db.Close(); err != nil {
				f.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			name, _, _ := strings.Cut(name, ",")
			f := create(t, plainOf(t, name))
			f.migrate(sessiondb.MigrateOptions{SessionsTable: true})
			f.open()
			made := f.ledger() // of its maker, and of one who found it
			found, err := f.store.OpenLedger(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closed(t, found) })
			away(f, strings.TrimPrefix(f.config.URL, "file:")+".session-controller.db")
			for n, l := range []*sessiondb.Ledger{found, made} {
				_, paused := l.Paused(t.Context())
				_, remembered := l.RememberedEngine(t.Context())
				for call, err := range map[string]error{
					"read the pause": paused, "read the engine": remembered,
					"ask whose an engine is": l.EngineFree(t.Context(), "x"),
					"remember one":           l.RememberEngine(t.Context(), "x", ""),
					"remember another":       l.RememberEngine(t.Context(), "x", "y"),
				} {
					if !errors.Is(err, sessiondb.ErrNoLedger) || errors.Is(err, sessiondb.ErrUnreachable) {
						t.Errorf("ledger %d: %s: %v, want that there are no tables", n, call, err)
					}
				}
			}
			for range 2 { // and there is nothing to uninstall, either
				f.migrate(sessiondb.MigrateOptions{Uninstall: true})
			}
		})
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
	if err := os.WriteFile(side, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.migrate(sessiondb.MigrateOptions{Uninstall: true})
	if _, err := os.Stat(side); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty file is uninstalled, and is still there: %v", err)
	}
}
