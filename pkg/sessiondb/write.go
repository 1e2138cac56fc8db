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
	w := write{operation: "fail session " + row.ID, row: row, claim: s.stored(failure.Claim), fails: true}
	w.message, w.reason = s.fitting(failure.Message), failure.Reason
	return s.compareAndSet(ctx, w)
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
	w := write{operation: "set the claim of session " + row.ID, row: row, claim: s.stored(claim)}
	if strings.TrimSpace(claim) == "" {
		return Row{}, fmt.Errorf("%s: %w", w.operation, errBlankClaim)
	}
	return s.compareAndSet(ctx, w)
}

// Release clears the claim (NULL, or empty where the column is NOT NULL), if the row still has the status and the claim
// of row. It returns the row as it is now stored. Errors are those of Fail.
func (s *Store) Release(ctx context.Context, row Row) (Row, error) {
	return s.compareAndSet(ctx, write{operation: "release the claim of session " + row.ID, row: row, claim: s.stored("")})
}

// write is one compare-and-set: what was read, and what is to be in its place.
type write struct {
	operation string // for people
	row       Row
	claim     sql.NullString
	// fails says that the session fails, too, with a message and a reason.
	fails           bool
	message, reason string
}

// statement returns the UPDATE of a write and its arguments.
func (s *Store) statement(w write) (query string, args []any) {
	args = []any{w.row.ID, w.row.Status, w.row.Claim, s.node(w.row), w.claim}
	if !w.fails {
		return s.sql.setClaim, args
	}
	args = append(args, s.statuses.Error)
	switch {
	case s.config.NotifyChannel != "":
		args = append(args, w.message, w.reason, s.config.NotifyChannel)
	case s.config.Columns.Reason != "":
		args = append(args, w.message)
	}
	return s.sql.fail, args
}

// beside takes what a write returns beside the row.
func (s *Store) beside(fails bool) []any {
	if fails && s.config.NotifyChannel != "" {
		return []any{new(sql.NullString)}
	}
	return nil
}

// node is the row's node as a write compares it: NULL where it was, and where there is no such column.
func (s *Store) node(row Row) sql.NullString {
	return sql.NullString{String: row.Node, Valid: s.config.Columns.Node != "" && !row.NodeNull}
}

var errBlankClaim = errors.New("the claim to set is blank")

// stored is a claim as it is stored: one of nothing is NULL, or empty where the column is NOT NULL.
func (s *Store) stored(claim string) sql.NullString {
	return sql.NullString{String: claim, Valid: claim != "" || s.claimNotNull}
}

// compareAndSet runs a write. Once begun it is finished though ctx is cancelled, so that a shutdown leaves no write of
// unknown outcome.
func (s *Store) compareAndSet(ctx context.Context, w write) (Row, error) {
	if err := ctx.Err(); err != nil {
		return Row{}, fmt.Errorf("%s: %w", w.operation, err)
	}
	ctx = context.WithoutCancel(ctx)
	if s.writes != nil {
		if row, err := s.writes.Do(ctx, w); !errors.Is(err, errAlone) {
			return row, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.timing.Write)
	defer cancel()
	return s.compareAndSetOne(ctx, w)
}

// compareAndSetOne runs one UPDATE that names everything that was read, in a transaction of its own.
//
// database/sql repeats a statement whose connection turns out to be dead; if the first attempt had been applied after
// all, the second hits no row and the caller, told ErrConflict, looks again and sees his own work done.
//
// The rows are read to the very end: only then has the database committed, and a constraint that is checked at commit
// can still refuse after the row was returned.
func (s *Store) compareAndSetOne(ctx context.Context, w write) (Row, error) {
	query, args := s.statement(w)
	rows, err := s.write.QueryContext(ctx, query, args...)
	if err != nil {
		return Row{}, s.explain(ctx, w.operation, err)
	}
	defer func() { _ = rows.Close() }() // what Close can say, Err has said
	var stored Row
	hit := false
	for rows.Next() {
		if stored, err = s.scan(rows, s.beside(w.fails)...); err != nil {
			return Row{}, s.explain(ctx, w.operation, err)
		}
		hit = true
	}
	switch err := rows.Err(); {
	case err != nil:
		return Row{}, s.explain(ctx, w.operation, err)
	case !hit:
		return Row{}, s.explain(ctx, w.operation, ErrConflict)
	}
	return stored, nil
}
