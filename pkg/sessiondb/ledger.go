package sessiondb

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// ErrNoLedger means that the controller's own tables are not there and may not be created: the engine's identity is
// not remembered when the process ends, and there are no leases and no pauses.
var ErrNoLedger = errors.New("the controller's own tables are not there")

// ErrLedgerDenied is an ErrNoLedger whose tables are there, and are not this role's to use.
var ErrLedgerDenied = fmt.Errorf("%w for this role", ErrNoLedger)

// Ledger is the controller's own tables. They live apart from the user's, so that an ORM that compares its schema with
// the database sees nothing new: in PostgreSQL in the schema session_controller, for SQLite in a file beside the
// database, <database>.session-controller.db. It is safe for concurrent use.
type Ledger struct {
	store *Store
	db    *sqlx.DB
	owned bool   // db is this ledger's own
	made  bool   // the tables were not there before
	place string // what stands before the tables' names
	table string // the sessions table, as it is told from others of the database
	node  string
}

// ledgerKeeper is a backend's part of a ledger.
type ledgerKeeper interface {
	// ledger opens what holds the tables, and makes them where they are missing and create is set. Where they are missing
	// it returns ErrNoLedger.
	ledger(ctx context.Context, s *Store, create bool) (ledgerFound, error)
	// installLedger makes them where a migration must: where the controller's own role may not.
	installLedger(ctx context.Context, s *Store) ([]Step, error)
	// dropLedger takes the tables away when no other sessions table has a record in them.
	dropLedger(ctx context.Context, table string) ([]Step, error)
	// unusable returns an ErrNoLedger where a statement on the controller's own tables failed because they are not there,
	// or an ErrLedgerDenied where they are not this role's to use any more; else nil.
	unusable(ctx context.Context, db *sqlx.DB, err error) error
	// ledgerPlace is what stands before the names of the tables.
	ledgerPlace() string
}

// ledgerFound is an open ledger.
type ledgerFound struct {
	db    *sqlx.DB
	owned bool // to be closed with the ledger
	made  bool // the tables were not there before
}

// OpenLedger opens the controller's own tables. With create they are made where they are missing and this role, or this
// user, may; without it nothing is written. Errors: ErrNoLedger (where the tables are there ErrLedgerDenied),
// ErrUnreachable, or the context's own.
func (s *Store) OpenLedger(ctx context.Context, create bool) (*Ledger, error) {
	operation := "open the controller's own tables in " + s.backend.describe()
	deadline, cancel := context.WithTimeout(ctx, s.timing.Write)
	defer cancel()
	found, err := s.backend.ledger(deadline, s, create)
	if err != nil {
		return nil, s.explain(ctx, operation, err)
	}
	return &Ledger{
		store: s, db: found.db, owned: found.owned, made: found.made, place: s.backend.ledgerPlace(), table: s.table.quoted,
		node: s.config.Node,
	}, nil
}

// explain is [Store.explain] for a statement on the controller's own tables.
func (l *Ledger) explain(ctx context.Context, operation string, err error) error {
	deadline, cancel := context.WithTimeout(ctx, l.store.timing.Read)
	defer cancel()
	if unusable := l.store.backend.unusable(deadline, l.db, err); unusable != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w", operation, unusable)
	}
	return l.store.explain(ctx, operation, err)
}

// Made reports whether the tables were not there before this ledger was opened: another role may not use them yet.
func (l *Ledger) Made() bool { return l.made }

// Close closes what the ledger opened itself. The store stays open.
func (l *Ledger) Close() error {
	if !l.owned {
		return nil
	}
	if err := l.db.Close(); err != nil {
		return fmt.Errorf("close the controller's own tables: %w", err)
	}
	return nil
}

// The tables of a ledger.
const (
	engineTable = "engine"
	leaseTable  = "lease"
	pauseTable  = "pause"
)

// ledgerNames are the names of all tables, as an SQL list of literals.
const (
	ledgerCount = 3
	ledgerNames = "'" + engineTable + "', '" + leaseTable + "', '" + pauseTable + "'"
)

// ledgerTables makes the tables. place is what stands before their names.
func ledgerTables(place string) []string {
	return []string{
		"CREATE TABLE IF NOT EXISTS " + place + engineTable + " (sessions_table text NOT NULL, node text NOT NULL, " +
			"identity text NOT NULL, PRIMARY KEY (sessions_table, node), UNIQUE (sessions_table, identity))",
		"CREATE TABLE IF NOT EXISTS " + place + leaseTable + " (name text NOT NULL PRIMARY KEY, " +
			"format integer NOT NULL, version bigint NOT NULL, record text NOT NULL)",
		"CREATE TABLE IF NOT EXISTS " + place + pauseTable + " (sessions_table text NOT NULL, node text NOT NULL, " +
			"since bigint NOT NULL, until bigint NOT NULL, who text NOT NULL, reason text NOT NULL, " +
			"PRIMARY KEY (sessions_table, node))",
	}
}

func dropLedgerTables(place string) []string {
	return []string{
		"DROP TABLE IF EXISTS " + place + engineTable, "DROP TABLE IF EXISTS " + place + leaseTable,
		"DROP TABLE IF EXISTS " + place + pauseTable,
	}
}

// forgetTable takes a sessions table's records away and reports whether there are others.
func forgetTable(ctx context.Context, tx *sqlx.Tx, place, param, table string) (others bool, err error) {
	for _, statement := range forgetStatements(place, "CAST("+param+" AS text)") {
		if _, err := tx.ExecContext(ctx, statement, table); err != nil {
			return false, fmt.Errorf("forget the records of table %s: %w", table, err)
		}
	}
	if err := tx.GetContext(ctx, &others, "SELECT "+ledgerInUse(place)); err != nil {
		return false, fmt.Errorf("look for other tables' records: %w", err)
	}
	return others, nil
}

// forgetStatements take the records of the sessions table away that text names.
func forgetStatements(place, text string) []string {
	return []string{
		"DELETE FROM " + place + engineTable + " WHERE sessions_table = " + text,
		"DELETE FROM " + place + pauseTable + " WHERE sessions_table = " + text,
		"DELETE FROM " + place + leaseTable + " WHERE substr(name, 1, length(" + text + ") + 1) = " + text + " || '/'",
	}
}

// ledgerInUse asks whether there is any record.
func ledgerInUse(place string) string {
	return "EXISTS (SELECT 1 FROM " + place + engineTable + ") OR EXISTS (SELECT 1 FROM " + place + pauseTable +
		") OR EXISTS (SELECT 1 FROM " + place + leaseTable + ")"
}
