package sessiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// withTable opens a pool whose statements may take their time, finds the table, and lets no other migration run beside.
func (p *postgres) withTable(
	ctx context.Context, cfg Config, do func(db *sqlx.DB, t table) ([]Step, error),
) (steps []Step, err error) {
	db, err := p.pool(dialer{limit: migrateTimeout})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	t, err := p.look(ctx, db, cfg)
	if err != nil {
		if known := p.explainConnectError(err); known != nil {
			err = known
		}
		return nil, err
	}
	if err := misplaced(cfg, t); err != nil {
		return nil, err
	}
	guard, err := migrationLock(ctx, db)
	if err != nil {
		return nil, err
	}
	defer func() { _ = guard.Rollback() }() // it holds nothing but the lock
	steps, err = do(db, t)
	return steps, p.denied(err)
}

// migrationLock waits until no other migration runs in this database, and returns a transaction until whose end none
// does: two that create the same schema or function at once fail at the catalogue's own indexes, and one takes an index
// that the other is building for broken.
//
// It asks again and again, each time in a transaction of its own: building an index beside writers waits for every
// transaction that has a snapshot at that moment until it ends, and one who waits for the lock with a transaction that
// stays open would be waited for by who holds it.
func migrationLock(ctx context.Context, db *sqlx.DB) (*sqlx.Tx, error) {
	const every = 50 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		tx, err := beginMigration(ctx, db)
		if err != nil {
			return nil, err
		}
		var mine bool
		err = tx.GetContext(ctx, &mine,
			`SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtext('session-controller migrate'))`)
		if err == nil && mine {
			return tx, nil
		}
		_ = tx.Rollback() // it holds nothing
		if err != nil {
			return nil, fmt.Errorf("wait for another migration: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another migration: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// beginMigration begins a transaction that sees what others have committed, whatever the database's default is. Another
// one keeps the snapshot of its first statement, for which the building of an index would wait.
func beginMigration(ctx context.Context, db *sqlx.DB) (*sqlx.Tx, error) {
	tx, err := db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	return tx, nil
}

// inTx runs statements in one transaction. None waits long for a lock on the table, because every writer that comes
// later waits behind it.
func (p *postgres) inTx(ctx context.Context, db *sqlx.DB, do func(tx *sqlx.Tx) error) error {
	tx, err := beginMigration(ctx, db)
	if err != nil {
		return err
	}
	return within(ctx, tx, do)
}

// inMigrationTx is inTx while no other migration runs.
func (p *postgres) inMigrationTx(ctx context.Context, db *sqlx.DB, do func(tx *sqlx.Tx) error) error {
	tx, err := migrationLock(ctx, db)
	if err != nil {
		return err
	}
	return within(ctx, tx, do)
}

// within runs statements in a transaction and ends it.
func within(ctx context.Context, tx *sqlx.Tx, do func(tx *sqlx.Tx) error) error {
	return committed(tx, func(tx *sqlx.Tx) error {
		if err := execAll(ctx, tx, "SET LOCAL lock_timeout = '5s'"); err != nil {
			return err
		}
		return do(tx)
	})
}
