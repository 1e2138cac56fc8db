package sessiondb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// migrateTimeout bounds the whole of a migration. An index on a large table takes its time: 1,000,000 rows some
// seconds, and building it beside writers waits for every transaction that was open when it began.
const migrateTimeout = 10 * time.Minute

// triggerName is the trigger's name on every table: triggers have names of their own within their table.
const triggerName = "session_controller_notify"

// MigrateOptions say what is to be installed or taken away.
type MigrateOptions struct {
	// SessionsTable also creates the reference table (and for SQLite the file) where there is none.
	SessionsTable bool
	// Uninstall takes away what a migration installed: index, trigger and function, never the table.
	Uninstall bool
}

// Step is one object that a migration looked at.
type Step struct {
	// Object names it for people: "index session_controller_claim_sessions".
	Object string
	// Done reports that something was changed; false means that all was as it should be.
	Done bool
}

// migrator is a backend's part of a migration. Every statement can be run again.
type migrator interface {
	// statements returns what install or uninstall runs, without looking at any database.
	statements(cfg Config, uninstall bool) []string
	// install and uninstall bring the objects on an existing table to where they belong.
	install(ctx context.Context, cfg Config) ([]Step, error)
	uninstall(ctx context.Context, cfg Config) ([]Step, error)
}

var errKeepsTable = errors.New(
	"--uninstall does not go with --sessions-table: the sessions table is yours and is never dropped",
)

// Migrate installs the optional objects on the user's table: an index on the claim, and on PostgreSQL a trigger that
// notifies of every change of status or claim; and there the controller's own tables, apart from it. It can be run
// again at any time and repairs what does not fit; a good index of any name on the claim is as good as its own. Where
// it stops with an error, the steps that were taken stand.
//
// The index is built beside writers. The trigger needs a lock on the table that waits for its writers, for 5 s at most.
func Migrate(ctx context.Context, cfg Config, opts MigrateOptions) ([]Step, error) {
	if err := checkMigration(cfg, opts); err != nil {
		return nil, err
	}
	b, err := newBackend(cfg)
	if err != nil {
		return nil, err
	}
	var steps []Step
	if opts.SessionsTable {
		created, err := CreateSessionsTable(ctx, cfg)
		if err != nil {
			return nil, err
		}
		steps = append(steps, Step{Object: "table " + cfg.Table, Done: created})
	}
	deadline, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	run, operation := b.install, "migrate "
	if opts.Uninstall {
		run, operation = b.uninstall, "uninstall from "
	}
	more, err := run(deadline, cfg)
	if err != nil {
		return append(steps, more...), explain(ctx, b, operation+b.describe(), err)
	}
	ledger, err := migrateLedger(deadline, cfg, opts.Uninstall)
	if err != nil {
		return append(steps, more...), explain(ctx, b, operation+b.describe(), err)
	}
	return slices.Concat(steps, more, ledger), nil
}

// migrateLedger makes the controller's own tables, or takes them away.
func migrateLedger(ctx context.Context, cfg Config, uninstall bool) (steps []Step, err error) {
	s, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if uninstall {
		return s.backend.dropLedger(ctx, s.table.quoted)
	}
	return s.backend.installLedger(ctx, s)
}

// Statements returns the SQL that Migrate would run on a database that has none of it, for people who run it
// themselves. No database is looked at.
func Statements(cfg Config, opts MigrateOptions) ([]string, error) {
	if err := checkMigration(cfg, opts); err != nil {
		return nil, err
	}
	b, err := newBackend(cfg)
	if err != nil {
		return nil, err
	}
	var all []string
	if opts.SessionsTable {
		all = append(all, b.createStatement(cfg))
	}
	return append(all, b.statements(cfg, opts.Uninstall)...), nil
}

func checkMigration(cfg Config, opts MigrateOptions) error {
	if opts.SessionsTable && opts.Uninstall {
		return errKeepsTable
	}
	return cfg.Validate()
}

// execAll runs statements in their order.
func execAll(ctx context.Context, on sqlx.ExecerContext, statements ...string) error {
	for _, statement := range statements {
		if _, err := on.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("run %q: %w", firstWords(statement), err)
		}
	}
	return nil
}

// committed runs statements in a transaction and commits it, or takes it back where one fails.
func committed(tx *sqlx.Tx, do func(tx *sqlx.Tx) error) error {
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing left to undo
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// firstWords is enough of a statement to know it by.
func firstWords(statement string) string {
	const most = 60
	if runes := []rune(statement); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return statement
}

// indexName is the name of the index on the claim of a table. Names of indexes share a schema with those of tables.
func indexName(table string) string { return fitting("session_controller_claim_", table) }

// fitting makes one name of two, within the 63 bytes that PostgreSQL keeps of a name; it would cut a longer one, and
// two tables could come to share it.
func fitting(prefix, name string) string {
	const most, digits = 63, 8
	whole := prefix + name
	if len(whole) <= most {
		return whole
	}
	return strings.ToValidUTF8(whole[:most-digits-1], "") + "_" + digest(name)[:digits]
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// bare is the table's own name, without a schema.
func bare(table string) string {
	if _, name, split := strings.Cut(table, "."); split {
		return name
	}
	return table
}

// misplaced says why nothing can be installed on a table.
func misplaced(cfg Config, t table) error {
	if t.found && t.view {
		return fmt.Errorf(
			"%s is a view or a foreign table: name the table below it in database.table for this command",
			t.shown,
		)
	}
	return judge(cfg, t)
}
