package sessiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Failure is what Fail writes and tells.
type Failure struct {
	// Claim is the new claim; empty releases in the same statement.
	Claim string
	// Reason is one word for programs: ContainerExited.
	Reason string
	// Message is one sentence for people, without any secret. It is cut where the column is too narrow.
	Message string
}

// Fail marks a session failed: status = Statuses.Error and claim = Failure.Claim, if the row still has the status and
// the claim of row. With Columns.Reason the message is written there, and with NotifyChannel
// {"session":…,"status":…,"reason":…,"message":…} is sent in the same transaction. It returns the row as it is now
// stored. Errors: ErrConflict, ErrUnreachable, or the context's own if it was done on entry.
func (s *Store) Fail(ctx context.Context, row Row, failure Failure) (Row, error) {
	operation := "fail session " + row.ID
	args := []any{s.stored(failure.Claim), s.statuses.Error}
	if s.sql.tell != "" {
		args = append(args, s.fitting(failure.Message), failure.Reason, s.config.NotifyChannel)
		return s.compareAndSet(ctx, operation, s.sql.tell, row, args, new(sql.NullString))
	}
	if s.config.Columns.Reason != "" {
		args = append(args, s.fitting(failure.Message))
	}
	return s.compareAndSet(ctx, operation, s.sql.fail, row, args)
}

// fitting cuts a message to the width of its column, if it has one, and to a bound that leaves a notification room.
func (s *Store) fitting(message string) string {
	const most = 500
	limit := most
	if width := s.table.column(s.config.Columns.Reason).maxLen; s.config.Columns.Reason != "" && width > 0 {
		limit = min(limit, width)
	}
	if runes := []rune(message); len(runes) > limit {
		return string(runes[:limit])
	}
	return message
}

// SetClaim points the session at claim, if the row still has the status and the claim of row. claim must not be blank;
// use Release for that. It returns the row as it is now stored. Errors are those of Fail.
func (s *Store) SetClaim(ctx context.Context, row Row, claim string) (Row, error) {
	operation := "set the claim of session " + row.ID
	if strings.TrimSpace(claim) == "" {
		return Row{}, fmt.Errorf("%s: %w", operation, errBlankClaim)
	}
	return s.compareAndSet(ctx, operation, s.sql.setClaim, row, []any{claim})
}

// Release clears the claim (NULL, or empty where the column is NOT NULL), if the row still has the status and the claim
// of row. It returns the row as it is now stored. Errors are those of Fail.
func (s *Store) Release(ctx context.Context, row Row) (Row, error) {
	return s.compareAndSet(ctx, "release the claim of session "+row.ID, s.sql.setClaim, row, []any{s.released})
}

// node is the row's node as a write compares it: NULL where it was, and where there is no such column.
func (s *Store) node(row Row) any {
	if s.config.Columns.Node == "" || row.NodeNull {
		return nil
	}
	return row.Node
}

var errBlankClaim = errors.New("the claim to set is blank")

func (s *Store) stored(claim string) any {
	if claim == "" {
		return s.released
	}
	return claim
}

// compareAndSet runs one UPDATE that names everything that was read, in a transaction of its own.
//
// Once begun it is finished though ctx is cancelled, so that a shutdown leaves no write of unknown outcome.
// database/sql repeats a statement whose connection turns out to be dead; if the first attempt had been applied after
// all, the second hits no row and the caller, told ErrConflict, looks again and sees his own work done.
//
// The rows are read to the very end: only then has the database committed, and a constraint that is checked at commit
// can still refuse after the row was returned.
//
// more takes what the query returns beside the row.
func (s *Store) compareAndSet(
	ctx context.Context, operation, query string, row Row, args []any, more ...any,
) (Row, error) {
	if err := ctx.Err(); err != nil {
		return Row{}, fmt.Errorf("%s: %w", operation, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	rows, err := s.write.QueryContext(ctx, query, append([]any{row.ID, row.Status, row.Claim, s.node(row)}, args...)...)
	if err != nil {
		return Row{}, s.explain(ctx, operation, err)
	}
	defer func() { _ = rows.Close() }() // what Close can say, Err has said
	var stored Row
	hit := false
	for rows.Next() {
		if stored, err = s.scan(rows, more...); err != nil {
			return Row{}, s.explain(ctx, operation, err)
		}
		hit = true
	}
	switch err := rows.Err(); {
	case err != nil:
		return Row{}, s.explain(ctx, operation, err)
	case !hit:
		return Row{}, s.explain(ctx, operation, ErrConflict)
	}
	return stored, nil
}
