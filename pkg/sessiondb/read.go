package sessiondb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// Get reads one session, of whatever node. Errors: ErrNotFound, with ErrImpossibleID where no session can have such an
// id, ErrUnreachable, or the context's own.
//
// The id is compared as the column's type compares: where ids are uuids, any spelling of the same uuid finds the row,
// and Row.ID is the database's own spelling.
func (s *Store) Get(ctx context.Context, id string) (Row, error) {
	operation := "read session " + id
	if s.impossible(id) {
		return Row{}, s.explain(ctx, operation, fmt.Errorf("%w: %w", ErrNotFound, ErrImpossibleID))
	}
	if s.gets == nil {
		return s.get(ctx, id)
	}
	row, err := s.gets.Do(ctx, id)
	switch {
	case errors.Is(err, errAlone):
		return s.get(ctx, id)
	case err != nil && ctx.Err() != nil:
		err = s.explain(ctx, operation, err)
	}
	return row, err
}

// get reads one session by a query of its own.
func (s *Store) get(ctx context.Context, id string) (Row, error) {
	operation := "read session " + id
	deadline, cancel := context.WithTimeout(ctx, s.timing.Read)
	defer cancel()
	row, err := s.scan(s.read.QueryRowContext(deadline, s.sql.get, id))
	switch {
	case err == nil && s.misread(id, row):
		return Row{}, s.explain(ctx, operation, fmt.Errorf("%w: %w", ErrNotFound, ErrImpossibleID))
	case err == nil:
		return row, nil
	case errors.Is(err, sql.ErrNoRows):
		return Row{}, s.explain(ctx, operation, ErrNotFound)
	case s.backend.classify(err) == failureImpossible:
		return Row{}, s.explain(ctx, operation, fmt.Errorf("%w: %w: %w", ErrNotFound, ErrImpossibleID, err))
	}
	return Row{}, s.explain(ctx, operation, err)
}

// Claimants returns the rows whose claim is exactly one of claims, in no particular order: one query that can use an
// index on the claim column. Blank strings are no claims and find nothing. It is meant for up to about 6,000 strings.
// Errors: ErrUnreachable, or the context's own.
func (s *Store) Claimants(ctx context.Context, claims []string) ([]Row, error) {
	const operation = "read the sessions that claim given containers"
	wanted := make(map[string]bool, len(claims))
	for _, claim := range claims {
		if strings.TrimSpace(claim) != "" {
			wanted[claim] = true
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	distinct := make([]string, 0, len(wanted))
	for claim := range wanted {
		distinct = append(distinct, claim)
	}
	list, err := s.backend.dialect().list(distinct)
	if err != nil {
		return nil, s.explain(ctx, operation, err)
	}
	deadline, cancel := context.WithTimeout(ctx, s.timing.Read)
	defer cancel()
	var found []Row
	for row, err := range s.rows(deadline, s.sql.claimants, list) {
		if err != nil {
			return nil, s.explain(ctx, operation, err)
		}
		// A column that compares without case or trailing blanks can find more than was asked for.
		if wanted[row.Claim] {
			found = append(found, row)
		}
	}
	return found, nil
}

// UnknownStatuses counts the rows whose status the configuration does not name, NULL included; NULL comes first, the
// others follow in byte order. Errors: ErrUnreachable, or the context's own.
func (s *Store) UnknownStatuses(ctx context.Context) ([]StatusCount, error) {
	const operation = "count the sessions with an unknown status"
	list, err := s.backend.dialect().list(slices.Concat(s.statuses.Live, s.statuses.Ended))
	if err != nil {
		return nil, s.explain(ctx, operation, err)
	}
	deadline, cancel := context.WithTimeout(ctx, s.timing.Read)
	defer cancel()
	rows, err := s.read.QueryContext(deadline, s.sql.unknown, list)
	if err != nil {
		return nil, s.explain(ctx, operation, err)
	}
	defer func() { _ = rows.Close() }() // what Close can say, Err has said
	var counts []StatusCount
	for rows.Next() {
		var status sql.NullString
		var count StatusCount
		if err := rows.Scan(&status, &count.Rows); err != nil {
			return nil, s.explain(ctx, operation, err)
		}
		count.Status, count.Null = status.String, !status.Valid
		counts = append(counts, count)
	}
	if err := rows.Err(); err != nil {
		return nil, s.explain(ctx, operation, err)
	}
	slices.SortFunc(counts, func(a, b StatusCount) int {
		switch {
		case a.Null:
			return -1
		case b.Null:
			return 1
		}
		return cmp.Compare(a.Status, b.Status)
	})
	return counts, nil
}

// scan reads one row and says what its status means.
func (s *Store) scan(from interface{ Scan(dest ...any) error }, more ...any) (Row, error) {
	var row Row
	var node sql.NullString
	var created sql.NullInt64
	if err := from.Scan(append([]any{&row.ID, &row.Status, &row.Claim, &node, &created}, more...)...); err != nil {
		return Row{}, err
	}
	row.Node, row.NodeNull = node.String, s.config.Columns.Node != "" && !node.Valid
	if created.Valid {
		row.CreatedAt = time.UnixMicro(created.Int64).UTC()
	}
	row.Kind = s.statuses.Kind(row.Status)
	return row, nil
}

// rows streams the rows of a query, holding one at a time. An error comes last. ctx must carry the deadline.
func (s *Store) rows(ctx context.Context, query string, args ...any) iter.Seq2[Row, error] {
	return s.query(ctx, s.read, query, args)
}

// query is rows for either pool. more takes what the query returns beside each row.
func (s *Store) query(
	ctx context.Context, db *sqlx.DB, query string, args []any, more ...any,
) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		// A consumer who stops early must not wait for the rest: a cancelled query is given up by the server, while a
		// mere Close would read on to the end. Hence cancel runs before Close.
		ctx, cancel := context.WithCancel(ctx)
		rows, err := db.QueryContext(ctx, query, args...)
		if err != nil {
			cancel()
			yield(Row{}, err)
			return
		}
		defer func() { _ = rows.Close() }() // what Close can say, Err has said
		defer cancel()
		for rows.Next() {
			row, err := s.scan(rows, more...)
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Row{}, err)
		}
	}
}
