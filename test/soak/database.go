package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/lib/pq"
)

const (
	postgresVariable = "SESSION_CONTROLLER_TEST_POSTGRES_URL"
	howToGet         = "run make soak, or put hack/test-env.sh -- before the command"
)

// database is a database of this run's own, and the session server's connection to its sessions table.
type database struct {
	*sql.DB

	server    *sql.DB
	name, url string
}

// createDatabase creates an empty database on the server that the environment names.
func createDatabase(ctx context.Context) (*database, error) {
	// An interruption must not come between the making and the knowing: nobody would drop it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actionTimeout)
	defer cancel()

	text := os.Getenv(postgresVariable)
	if text == "" {
		return nil, fmt.Errorf("this needs a PostgreSQL server and %s is not set: %s", postgresVariable, howToGet)
	}

	address, err := url.Parse(text)
	if err != nil {
		// The error is left out because it quotes the URL with its password.
		return nil, fmt.Errorf("%s is not a URL: set it to one such as postgres://user:password@host:port/postgres",
			postgresVariable)
	}

	server, err := sql.Open("postgres", text)
	if err != nil {
		return nil, fmt.Errorf("open the server of %s: %w", postgresVariable, err)
	}

	d := &database{server: server, name: "soak_" + strings.ToLower(rand.Text()[:16])}
	if _, err := server.ExecContext(ctx, "CREATE DATABASE "+pq.QuoteIdentifier(d.name)); err != nil {
		return nil, errors.Join(
			fmt.Errorf("create a database on the server of %s: %w: %s", postgresVariable, err, howToGet), server.Close())
	}

	address.Path = "/" + d.name
	d.url = address.String()

	d.DB, err = sql.Open("postgres", d.url)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", d.name, err), d.drop(ctx))
	}

	return d, nil
}

// drop takes the database away, whoever is connected to it.
func (d *database) drop(ctx context.Context) error {
	var errs []error
	if d.DB != nil {
		errs = append(errs, d.Close())
	}

	_, err := d.server.ExecContext(ctx, "DROP DATABASE "+pq.QuoteIdentifier(d.name)+" WITH (FORCE)")
	if err != nil {
		errs = append(errs, fmt.Errorf("drop the database %s: %w; drop it by hand", d.name, err))
	}

	return errors.Join(append(errs, d.server.Close())...)
}

// all returns every row.
func (d *database) all(ctx context.Context) (found []row, err error) {
	rows, err := d.QueryContext(ctx, "SELECT id, status, coalesce(container_id, '') FROM sessions")
	if err != nil {
		return nil, fmt.Errorf("read the sessions: %w", err)
	}

	defer func() { err = errors.Join(err, rows.Close(), rows.Err()) }()

	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.status, &r.claim); err != nil {
			return nil, fmt.Errorf("read a session: %w", err)
		}

		found = append(found, r)
	}

	return found, nil
}

// hit is one statement of the session server; it returns whether it met a row.
func (d *database) hit(ctx context.Context, statement string, args ...any) (bool, error) {
	result, err := d.ExecContext(ctx, statement, args...)
	if err != nil {
		return false, fmt.Errorf("the session server's %q: %w", statement, err)
	}

	n, err := result.RowsAffected()

	return n > 0, err
}

// endedSession returns the id of some ended session, or "" when there is none.
func (d *database) endedSession(ctx context.Context) (id string, err error) {
	err = d.QueryRowContext(ctx,
		"SELECT id FROM sessions WHERE status IN ('ERROR', 'TERMINATED') ORDER BY random() LIMIT 1").Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}

	return id, err
}

// purge deletes rows that have ended and claim nothing any more, but for some: a server does so one day, and the table
// must not grow for as long as a run lasts.
func (d *database) purge(ctx context.Context) error {
	const keep = 50

	_, err := d.hit(ctx, `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions
		WHERE status IN ('ERROR', 'TERMINATED') AND container_id IS NULL ORDER BY id DESC OFFSET $1)`, keep)

	return err
}
