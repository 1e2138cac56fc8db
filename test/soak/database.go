package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/session-controller/session-controller/test/rig"
)

// database is the session server's connection to its sessions table, in a database of this run's own.
type database struct{ *rig.Database }

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
