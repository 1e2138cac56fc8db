package sessiondb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sideFile is where the controller's own tables are: a database of their own, because what is in the user's file is the
// user's.
func (f *sqliteFile) sideFile() *sqliteFile {
	return &sqliteFile{path: f.path + ".session-controller.db", timing: f.timing}
}

func (f *sqliteFile) ledgerPlace() string { return "" }

func (f *sqliteFile) ledger(ctx context.Context, _ *Store, create bool) (ledgerFound, error) {
	side := f.sideFile()
	_, err := os.Stat(side.path)
	missing := errors.Is(err, fs.ErrNotExist)
	if missing && !create {
		return ledgerFound{}, fmt.Errorf("%w: there is no file %s, `session-controller run` makes it",
			ErrNoLedger, side.path)
	}
	if create {
		if err := side.makeTables(ctx, missing); err != nil {
			return ledgerFound{}, err
		}
	}
	db, err := side.pool(ledgerMode, 1) // a connection that is made later must not make the file again
	if err != nil {
		return ledgerFound{}, err
	}
	if err := side.hasTables(ctx, db); err != nil {
		return ledgerFound{}, errors.Join(err, db.Close())
	}
	return ledgerFound{db: db, owned: true, made: missing}, nil
}

// ledgerMode opens a side file that is there, and makeMode one that may be missing.
const (
	ledgerMode = "mode=rw&_txlock=immediate"
	makeMode   = "mode=rwc&_txlock=immediate"
)

// hasTables returns an ErrNoLedger where the file has not all tables: one of an older version, or an empty one.
func (f *sqliteFile) hasTables(ctx context.Context, db *sqlx.DB) error {
	var n int
	err := db.GetContext(ctx, &n, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ("+
		ledgerNames+")")
	switch {
	case err != nil:
		return fmt.Errorf("look for tables in file %s: %w", f.path, err)
	case n < ledgerCount:
		return fmt.Errorf("%w: file %s has not all of them, `session-controller run` makes them", ErrNoLedger, f.path)
	}
	return nil
}

// unusable looks for the tables: SQLite has no code of its own for one that is missing.
func (f *sqliteFile) unusable(ctx context.Context, db *sqlx.DB, err error) error {
	side := f.sideFile()
	if _, gone := os.Stat(side.path); err != nil && errors.Is(gone, fs.ErrNotExist) {
		return ErrNoLedger
	}
	refused, ok := errors.AsType[*sqlite.Error](err)
	if !ok || refused.Code() != sqlite3.SQLITE_ERROR {
		return nil
	}
	if missing := side.hasTables(ctx, db); errors.Is(missing, ErrNoLedger) {
		return missing
	}
	return nil
}

// makeTables makes the tables that are missing, and returns an ErrNoLedger where that cannot be.
func (f *sqliteFile) makeTables(ctx context.Context, missing bool) error {
	mode := ledgerMode
	if missing {
		mode = makeMode
	}
	db, err := f.pool(mode, 1)
	if err != nil {
		return err
	}
	if err := errors.Join(f.writeTables(ctx, db), db.Close()); err != nil {
		return fmt.Errorf("%w: file %s cannot be written (%w); let this user write there, or pin docker.identity",
			ErrNoLedger, f.path, err)
	}
	return nil
}

func (f *sqliteFile) writeTables(ctx context.Context, db *sqlx.DB) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	return committed(tx, func(tx *sqlx.Tx) error { return execAll(ctx, tx, ledgerTables(f.ledgerPlace())...) })
}

// installLedger does nothing: a process that may write the database may make the file beside it, and `run` does.
func (f *sqliteFile) installLedger(context.Context, *Store) ([]Step, error) { return nil, nil }

func (f *sqliteFile) dropLedger(ctx context.Context, table string) ([]Step, error) {
	side := f.sideFile()
	if _, err := os.Stat(side.path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	step := Step{Object: "file " + side.path}
	others, err := side.forget(ctx, table)
	if err != nil || others {
		return []Step{step}, err
	}
	step.Done = true
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(side.path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return []Step{step}, fmt.Errorf("remove the file: %w", err)
		}
	}
	return []Step{step}, nil
}

// forget takes a table's records away and reports whether there are others.
func (f *sqliteFile) forget(ctx context.Context, table string) (others bool, err error) {
	db, err := f.pool(ledgerMode, 1)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	err = committed(tx, func(tx *sqlx.Tx) error {
		// Of an older version some are missing; an empty file has none.
		if err := execAll(ctx, tx, ledgerTables(f.ledgerPlace())...); err != nil {
			return err
		}
		others, err = forgetTable(ctx, tx, f.ledgerPlace(), "?1", table)
		return err
	})
	return others, err
}
