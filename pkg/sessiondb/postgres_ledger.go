package sessiondb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

func (p *postgres) ledgerPlace() string { return postgresSchema + "." }

func (p *postgres) unusable(_ context.Context, _ *sqlx.DB, err error) error {
	refused, ok := errors.AsType[*pq.Error](err)
	switch {
	case !ok, refused.Fatal(): // one that is fatal is about the connection
		return nil
	case refused.Code == pqerror.UndefinedTable:
		return ErrNoLedger
	case refused.Code == pqerror.InsufficientPrivilege:
		return p.mayNotUse()
	}
	return nil
}

// mayNotUse says what is missing where the tables are there.
func (p *postgres) mayNotUse() error {
	return fmt.Errorf("%w, which is %s: let it SELECT, INSERT, UPDATE and DELETE in the schema %s, or pin "+
		"docker.identity", ErrLedgerDenied, p.config.User, postgresSchema)
}

const postgresLedger = "tables " + engineTable + ", " + leaseTable + " and " + pauseTable + " in schema " +
	postgresSchema

// postgresLedgerUsable asks about each table: is it there, and may this role do all that is needed?
const postgresLedgerUsable = `
SELECT count(*) AS found, coalesce(bool_and(pg_catalog.has_schema_privilege(n.oid, 'USAGE')
         AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
         AND pg_catalog.has_table_privilege(c.oid, 'UPDATE') AND pg_catalog.has_table_privilege(c.oid, 'DELETE')),
       false) AS usable
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = '` + postgresSchema + `' AND c.relname IN (` + ledgerNames + `)`

func (p *postgres) ledger(ctx context.Context, s *Store, create bool) (ledgerFound, error) {
	made, err := p.makeLedger(ctx, s.write, create)
	return ledgerFound{db: s.write, made: made}, err
}

func (p *postgres) installLedger(ctx context.Context, s *Store) ([]Step, error) {
	made, err := p.makeLedger(ctx, s.write, true)
	return []Step{{Object: postgresLedger, Done: made}}, err
}

// makeLedger makes the tables where they are missing and that is asked for.
func (p *postgres) makeLedger(ctx context.Context, db *sqlx.DB, create bool) (made bool, err error) {
	var state struct {
		Found  int  `db:"found"`
		Usable bool `db:"usable"`
	}
	if err := db.GetContext(ctx, &state, postgresLedgerUsable); err != nil {
		return false, fmt.Errorf("look for the schema %s: %w", postgresSchema, err)
	}
	switch {
	case state.Found == ledgerCount && state.Usable:
		return false, nil
	case state.Found == ledgerCount:
		return false, p.mayNotUse()
	case !create:
		return false, fmt.Errorf("%w: `session-controller migrate` makes them", ErrNoLedger)
	}
	err = p.inMigrationTx(ctx, db, func(tx *sqlx.Tx) error {
		if err := p.createSchema(ctx, tx); err != nil {
			return err
		}
		return execAll(ctx, tx, ledgerTables(p.ledgerPlace())...)
	})
	var refused *pq.Error
	if errors.As(err, &refused) && refused.Code == pqerror.InsufficientPrivilege {
		return false, fmt.Errorf("%w and role %s may not create them: run `session-controller migrate` once as a role "+
			"with CREATE on the database, or pin docker.identity", ErrNoLedger, p.config.User)
	}
	return err == nil, err
}

// lockLedger keeps all others from writing a record until the transaction ends.
func (p *postgres) lockLedger() string {
	place := p.ledgerPlace()
	return "LOCK TABLE " + place + engineTable + ", " + place + leaseTable + ", " + place + pauseTable +
		" IN SHARE ROW EXCLUSIVE MODE"
}

// dropLedgerStatement is dropLedger for people: table is this sessions table as their statements name it.
func (p *postgres) dropLedgerStatement(table string) string {
	place := p.ledgerPlace()
	steps := slices.Concat(
		[]string{"IF pg_catalog.to_regclass('" + place + engineTable + "') IS NULL THEN RETURN; END IF", p.lockLedger()},
		forgetStatements(place, "own"),
		[]string{"IF " + ledgerInUse(place) + " THEN RETURN; END IF"},
		dropLedgerTables(place),
	)
	return "DO $do$ DECLARE own text := (" +
		`SELECT '"' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"' ` +
		"FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace " +
		"WHERE c.oid = pg_catalog.to_regclass(" + pq.QuoteLiteral(table) + "));\nBEGIN\n  " +
		strings.Join(steps, ";\n  ") + ";\nEND $do$"
}

func (p *postgres) dropLedger(ctx context.Context, table string) (steps []Step, err error) {
	step := Step{Object: postgresLedger}
	db, err := p.pool(dialer{limit: migrateTimeout})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = p.inMigrationTx(ctx, db, func(tx *sqlx.Tx) error {
		var there bool
		if err := tx.GetContext(ctx, &there,
			`SELECT pg_catalog.to_regclass('`+p.ledgerPlace()+engineTable+`') IS NOT NULL`); err != nil {
			return fmt.Errorf("look for the controller's own tables: %w", err)
		}
		if !there {
			return nil
		}
		// Of an older version some are missing.
		if err := execAll(ctx, tx, append(ledgerTables(p.ledgerPlace()), p.lockLedger())...); err != nil {
			return err
		}
		others, err := forgetTable(ctx, tx, p.ledgerPlace(), "$1", table)
		if err != nil || others {
			return err
		}
		step.Done = true
		return execAll(ctx, tx, dropLedgerTables(p.ledgerPlace())...)
	})
	return []Step{step}, p.denied(err)
}
