package sessiondb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteReaders is how many connections read: more than the cores of a small host do not make it faster, and each has a
// page cache of its own (2 MiB).
const sqliteReaders = 4

// sqliteFile is a SQLite database in a file that another process writes too.
//
// Reads and writes have pools of their own. There is one connection for writes, because SQLite knows only one writer,
// and waiting in the pool's queue is fair and immediate where SQLite's own wait polls. A write is a single statement,
// which takes the write lock from the start, as BEGIN IMMEDIATE would.
type sqliteFile struct {
	path   string
	timing Timing // with its defaults
}

// parseSQLite understands what follows "file:", with the parameters that Prisma and others add.
func parseSQLite(rest string, timing Timing) (*sqliteFile, error) {
	raw, query, _ := strings.Cut(rest, "?")
	params, err := parameters(query)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !harmless(name, params[name]) {
			return nil, fmt.Errorf(
				"database.url has the parameter %s with a value that is not understood here: take it out",
				name,
			)
		}
	}
	if local, ok := strings.CutPrefix(raw, "//"); ok {
		raw = strings.TrimPrefix(local, "localhost")
		if !strings.HasPrefix(raw, "/") {
			return nil, errors.New(
				"database.url begins with file:// and no slash after that: write file:data.db, or file:/path/data.db",
			)
		}
	}
	path, err := url.PathUnescape(raw)
	if err != nil || strings.ContainsRune(path, 0) || strings.Contains(raw, "#") {
		return nil, errors.New(
			"database.url is no valid file: URL: percent-encode special characters in the path (% as %25, # as %23, ? as %3F)",
		)
	}
	if path == "" || path == ":memory:" {
		return nil, errors.New(
			"database.url names no file: a database in memory belongs to one process, give the file that the " +
				"session server uses",
		)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the directory that the path of database.url is relative to: %w", err)
	}
	return &sqliteFile{path: path, timing: timing}, nil
}

// harmless reports whether a parameter can be dropped: only Prisma reads it, or it asks for what is done anyway. A
// missing file is created by `migrate --sessions-table` alone, whatever mode says.
func harmless(parameter, value string) bool {
	switch parameter {
	case "connection_limit", "pool_timeout", "socket_timeout":
		return true
	case "mode":
		return value == "rw" || value == "rwc"
	case "cache":
		return value == "private"
	}
	return false
}

func (f *sqliteFile) describe() string { return "SQLite database " + f.path }

func (f *sqliteFile) open() (read, write *sqlx.DB, err error) {
	if err := f.usable(); err != nil {
		return nil, nil, err
	}
	if read, err = f.pool("mode=rw&_query_only=1", sqliteReaders); err != nil {
		return nil, nil, err
	}
	if write, err = f.pool("mode=rw&_txlock=immediate", 1); err != nil {
		return nil, nil, errors.Join(err, read.Close())
	}
	return read, write, nil
}

// usable says in one sentence what SQLite would call "unable to open database file", or say only at the first write.
func (f *sqliteFile) usable() error {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf(
			"there is no file %s: give the file that the session server uses, or create one with "+
				"`session-controller migrate --sessions-table`",
			f.path,
		)
	case err != nil:
		return fmt.Errorf("look for the file: %w", err)
	case info.IsDir():
		return fmt.Errorf("%s is a directory: give the database file in it", f.path)
	}
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("the file must be writable for this user: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("close the file: %w", err)
	}
	return nil
}

// pool opens connections that never create the file and never change its journal mode.
func (f *sqliteFile) pool(params string, size int) (*sqlx.DB, error) {
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: f.path}).String()
	connector, err := sqlite.NewConnector(fmt.Sprintf("%s?%s&_busy_timeout=%d&_error_rc=1", name, params,
		f.timing.busy().Milliseconds()))
	if err != nil {
		return nil, fmt.Errorf("set up the driver: %w", err)
	}
	db := sqlx.NewDb(sql.OpenDB(fileConnector{connector, f.path}), "sqlite")
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxIdleTime(idleTime)
	return db, nil
}

func (f *sqliteFile) dialect() dialect {
	return dialect{
		quote: quoteSQLite,
		text:  func(column string) string { return "CAST(" + column + " AS TEXT)" },
		param: func(n int) string { return "?" + strconv.Itoa(n) },
		// A server that binds bytes stores a BLOB, which never equals a text; an index serves both.
		in: func(expression, param string) string {
			values := "SELECT value FROM json_each(" + param + ")"
			return expression + " IN (" + values + " UNION ALL SELECT CAST(value AS BLOB) FROM json_each(" + param + "))"
		},
		list: func(values []string) (any, error) {
			list, err := json.Marshal(values)
			return string(list), err
		},
		now: func(format string, _ column) string {
			switch format {
			case TimeFormatUnix:
				return "CAST(strftime('%s', 'now') AS INTEGER)"
			case TimeFormatUnixMilli:
				// %f is seconds with three decimals; unixepoch('subsec') needs a newer SQLite.
				return "(CAST(strftime('%s', 'now') AS INTEGER) * 1000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER))"
			}
			return "CURRENT_TIMESTAMP"
		},
		literal: func(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" },
		same:    func(a, b string) string { return a + " IS " + b },
		micros: func(format, column string) string {
			switch format {
			case TimeFormatUnix:
				return "CAST(" + column + " * 1000000 AS INTEGER)"
			case TimeFormatUnixMilli:
				return "CAST(" + column + " * 1000 AS INTEGER)"
			}
			return "(CAST(strftime('%s', " + column + ") AS INTEGER) * 1000000 + " +
				"CAST(substr(strftime('%f', " + column + "), 4) AS INTEGER) * 1000)"
		},
		// The rowid is the order in which rows lie in the file, so a page is one pass. A table without one is ordered by
		// its key, which is the id.
		pageBy: func(t table, cfg Config) string {
			if t.rowid != "" {
				return t.rowid
			}
			return quoteSQLite(cfg.Columns.ID)
		},
	}
}

// quoteSQLite uses backticks: what stands in double quotes and is no column becomes a string in SQLite, so that a
// missing column would be the same text in every row.
func quoteSQLite(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// dataVersion is https://www.sqlite.org/pragma.html#pragma_data_version: never 0.
func (f *sqliteFile) dataVersion(ctx context.Context, conn *sql.Conn) (version int64, err error) {
	if err := stillThere(conn); err != nil {
		return 0, err
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("read the version of the data: %w", err)
	}
	return version, nil
}

// classify branches on the primary result code (https://www.sqlite.org/rescode.html).
func (f *sqliteFile) classify(err error) failure {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return failureOther
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR:
		return failureUnreachable
	}
	return failureOther
}

func (f *sqliteFile) explainConnectError(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_NOTADB {
		return fmt.Errorf("%s is no SQLite database: check the path in database.url (%w)", f.path, err)
	}
	return nil
}
