package sessiondb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// look reads the schema. Names are compared as SQLite compares them.
func (f *sqliteFile) look(ctx context.Context, db *sqlx.DB, cfg Config) (table, error) {
	t := table{same: sameInSQLite, where: f.path, quoted: quoteSQLite(cfg.Table), shown: cfg.Table}
	var relations []struct {
		Name       string `db:"name"`
		Type       string `db:"type"`
		WithoutRow bool   `db:"wr"`
	}
	err := db.SelectContext(
		ctx,
		&relations,
		`SELECT name, type, wr FROM pragma_table_list
			WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
			ORDER BY name`,
	)
	if err != nil {
		return t, fmt.Errorf("list the tables: %w", err)
	}
	withoutRow := false
	for _, r := range relations {
		t.others = append(t.others, r.Name)
		if t.same(r.Name, cfg.Table) {
			t.found, withoutRow = true, r.WithoutRow
			if r.Type != "table" {
				t.fixed = "is a " + strings.Replace(r.Type, "virtual", "virtual table", 1)
			}
		}
	}
	if !t.found {
		return t, nil
	}
	var list []struct {
		Name    string `db:"name"`
		Type    string `db:"type"`
		NotNull bool   `db:"notnull"`
		Key     int    `db:"pk"`
	}
	if err := db.SelectContext(
		ctx,
		&list,
		"SELECT name, type, `notnull`, pk FROM pragma_table_xinfo(?1)",
		cfg.Table,
	); err != nil {
		return t, fmt.Errorf("list the columns: %w", err)
	}
	var key []string
	for _, c := range list {
		t.columns = append(
			t.columns,
			column{name: c.Name, typ: declared(c.Type), notNull: c.NotNull, class: affinity(c.Type)},
		)
		if c.Key > 0 {
			key = append(key, c.Name)
		}
	}
	if len(key) == 1 {
		t.unique = key
	}
	if !withoutRow {
		t.rowid = rowidName(t)
	}
	var unique []string
	err = db.SelectContext(
		ctx,
		&unique,
		`SELECT max(i.name) FROM pragma_index_list(?1) l, pragma_index_info(l.name) i
			WHERE l.[unique] AND NOT l.partial
			GROUP BY l.name HAVING count(*) = 1 AND max(i.name) IS NOT NULL`,
		cfg.Table,
	)
	if err != nil {
		return t, fmt.Errorf("list the unique indexes: %w", err)
	}
	t.unique = append(t.unique, unique...)
	return t, nil
}

// sameInSQLite compares names as SQLite does: without the case of ASCII letters, but with that of all others.
func sameInSQLite(a, b string) bool { return lowerASCII(a) == lowerASCII(b) }

func lowerASCII(name string) string {
	lower := []byte(name)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + ('a' - 'A')
		}
	}
	return string(lower)
}

// rowidName is a name of the rowid that no column has taken for itself.
func rowidName(t table) string {
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if !slices.ContainsFunc(t.columns, func(c column) bool { return t.same(c.name, name) }) {
			return name
		}
	}
	return ""
}

func declared(typ string) string {
	if typ == "" {
		return "declared without a type"
	}
	return strings.ToLower(typ)
}

// affinity sorts a declared type as SQLite does (https://www.sqlite.org/datatype3.html, section 3.1).
func affinity(declared string) typeClass {
	typ := strings.ToUpper(declared)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(typ, part) })
	}
	switch {
	case has("INT"):
		return classNumber
	case has("CHAR", "CLOB", "TEXT"):
		return classText
	case typ == "" || has("BLOB"):
		return classOther
	}
	return classNumber
}

// create makes the file if there is none, and the table if there is none.
func (f *sqliteFile) create(ctx context.Context, cfg Config) (created bool, err error) {
	if _, err := os.Stat(filepath.Dir(f.path)); errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("there is no directory %s: create it first", filepath.Dir(f.path))
	}
	params := "mode=rw"
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) {
		// The journal mode is kept in the file, and only the one who makes the file chooses it.
		params = "mode=rwc&_journal_mode=WAL"
	} else if err := f.usable(); err != nil {
		return false, err
	}
	// A connection that switches a file to WAL is refused at once, without the usual wait, while another has it open: it
	// may be creating the same file, or the session server be waiting for it.
	retry := time.NewTicker(createRetry)
	defer retry.Stop()
	for {
		created, err = f.createIn(ctx, params, cfg)
		if f.classify(err) != failureUnreachable {
			return created, err
		}
		select {
		case <-ctx.Done():
			return false, err
		case <-retry.C:
		}
	}
}

// createRetry is short beside the moment that another takes to create a table, 10 ms or so.
const createRetry = 20 * time.Millisecond

// createIn creates the table, if there is none, over a connection with these parameters.
func (f *sqliteFile) createIn(ctx context.Context, params string, cfg Config) (created bool, err error) {
	db, err := f.pool(params+"&_txlock=immediate", 1)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		if known := f.explainConnectError(err); known != nil {
			err = known
		}
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing left to undo
	var there int
	if err := tx.GetContext(
		ctx,
		&there,
		`SELECT count(*) FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type IN ('table', 'view')`,
		cfg.Table,
	); err != nil {
		return false, fmt.Errorf("look for the table: %w", err)
	}
	if there > 0 {
		return false, nil
	}
	if _, err := tx.ExecContext(ctx, f.createStatement(cfg)); err != nil {
		return false, fmt.Errorf("create the table: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return false, fmt.Errorf("commit: %w", err)
	}
	return true, nil
}
