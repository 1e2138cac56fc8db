// Command demorows plays the session server in hack/demo.sh: it saves rows in the demo's SQLite database, and prints
// them. It is here so that the demo needs no sqlite3 on the machine.
//
//	demorows FILE put ID STATUS CLAIM [ID STATUS CLAIM …]
//	demorows FILE list
//
// list prints a line for each row, in the order in which they were put: id, status and claim, separated by tabs. A
// CLAIM of "-" is none, in both. The table is the reference table, sessions(id, status, container_id).
package main

import (
	"context"
	"database/sql" //nolint:depguard // this is the other side of the table: a session server has its own way to it
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	_ "modernc.org/sqlite" //nolint:depguard // as above
)

const (
	// timeout bounds the whole of a call: the demo's half a dozen rows take milliseconds.
	timeout = 10 * time.Second
	// rowWidth is how many arguments make a row: id, status and claim.
	rowWidth = 3
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demorows:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("give FILE put ID STATUS CLAIM …, or FILE list")

func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	if len(args) < 2 {
		return errUsage
	}

	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	// The controller writes the same file: wait for it instead of failing. mode=rw never creates a file.
	name := (&url.URL{Scheme: "file", OmitHost: true, Path: args[0]}).String() + "?mode=rw&_pragma=busy_timeout(5000)"

	db, err := sql.Open("sqlite", name)
	if err != nil {
		return fmt.Errorf("open %s: %w", args[0], err)
	}

	defer func() { err = errors.Join(err, db.Close()) }()

	switch command, rest := args[1], args[2:]; {
	case command == "put" && len(rest) > 0 && len(rest)%rowWidth == 0:
		return put(ctx, db, rest)
	case command == "list" && len(rest) == 0:
		return list(ctx, db, stdout)
	default:
		return errUsage
	}
}

// put saves rows as a session server does: id, status and claim in one statement each.
func put(ctx context.Context, db *sql.DB, rows []string) error {
	for ; len(rows) > 0; rows = rows[rowWidth:] {
		_, err := db.ExecContext(ctx, "INSERT INTO sessions (id, status, container_id) VALUES (?1, ?2, nullif(?3, '-'))",
			rows[0], rows[1], rows[2])
		if err != nil {
			return fmt.Errorf("save session %s: %w", rows[0], err)
		}
	}

	return nil
}

func list(ctx context.Context, db *sql.DB, w io.Writer) error {
	rows, err := db.QueryContext(ctx, "SELECT id, status, coalesce(container_id, '-') FROM sessions ORDER BY rowid")
	if err != nil {
		return fmt.Errorf("read the sessions: %w", err)
	}

	defer func() { _ = rows.Close() }() // what Close can say, Err has said

	for rows.Next() {
		var id, status, claim string
		if err := rows.Scan(&id, &status, &claim); err != nil {
			return fmt.Errorf("read a session: %w", err)
		}

		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\n", id, status, claim); err != nil {
			return fmt.Errorf("write a session: %w", err)
		}
	}

	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the sessions: %w", err)
	}

	return nil
}
