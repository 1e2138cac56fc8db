package sessiondb

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
)

func (f *sqliteFile) createStatement(cfg Config) string {
	updatedAt := "integer"
	if cfg.TimeFormat == TimeFormatTimestamp {
		updatedAt = "text"
	}
	return createTable(quoteSQLite(cfg.Table), f.dialect(), cfg, updatedAt)
}

// statements: SQLite has no notifications, so that the index is all.
func (f *sqliteFile) statements(cfg Config, uninstall bool) []string {
	index := quoteSQLite(indexName(cfg.Table))
	if uninstall {
		return []string{"DROP INDEX IF EXISTS " + index}
	}
	return []string{
		"CREATE INDEX IF NOT EXISTS " + index + " ON " + quoteSQLite(cfg.Table) +
			" (" + quoteSQLite(cfg.Columns.ContainerID) + ")",
	}
}

func (f *sqliteFile) install(ctx context.Context, cfg Config) ([]Step, error) {
	return f.migrate(ctx, cfg, func(names []string) (Step, bool) {
		if len(names) > 0 {
			return Step{Object: "index " + names[0]}, false
		}
		return Step{Object: "index " + indexName(cfg.Table), Done: true}, true
	}, false)
}

func (f *sqliteFile) uninstall(ctx context.Context, cfg Config) ([]Step, error) {
	own := indexName(cfg.Table)
	return f.migrate(ctx, cfg, func(names []string) (Step, bool) {
		there := false
		for _, name := range names {
			there = there || name == own
		}
		return Step{Object: "index " + own, Done: there}, there
	}, true)
}

// migrate looks at the indexes on the claim and runs the statements if judge says so, in one transaction.
func (f *sqliteFile) migrate(
	ctx context.Context, cfg Config, judge func(names []string) (Step, bool), uninstall bool,
) (steps []Step, err error) {
	if err := f.usable(); err != nil {
		return nil, err
	}
	db, err := f.pool("mode=rw&_txlock=immediate", 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	t, err := f.look(ctx, db, cfg)
	if err != nil {
		if known := f.explainConnectError(err); known != nil {
			err = known
		}
		return nil, err
	}
	if err := misplaced(cfg, t); err != nil {
		return nil, err
	}
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing left to undo
	names, err := f.claimIndexes(ctx, tx, cfg)
	if err != nil {
		return nil, err
	}
	step, due := judge(names)
	if due {
		if err := execAll(ctx, tx, f.statements(cfg, uninstall)...); err != nil {
			return nil, err
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return []Step{step}, nil
}

// claimIndexes are the whole indexes that begin with the claim.
func (f *sqliteFile) claimIndexes(ctx context.Context, tx *sqlx.Tx, cfg Config) (names []string, err error) {
	err = tx.SelectContext(ctx, &names,
		`SELECT l.name FROM pragma_index_list(?1) l, pragma_index_info(l.name) i
			WHERE NOT l.partial AND i.seqno = 0 AND i.name = ?2 COLLATE NOCASE ORDER BY l.name`,
		cfg.Table, cfg.Columns.ContainerID)
	if err != nil {
		return nil, fmt.Errorf("list the indexes: %w", err)
	}
	return names, nil
}
