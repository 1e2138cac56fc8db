package sessiondb

import (
	"context"
	"fmt"
	"iter"
)

// pageSize is how many rows a page holds where claiming rows are read page by page: about 1 MiB at 250 bytes a row, and
// enough for all containers of one engine, so that in practice there is one page.
const pageSize = 4096

// Claiming streams the rows that claim something, of every status, in no particular order, in constant memory however
// large the table is. An error comes last, with a zero Row: ErrUnreachable, or the context's own; rows that came before
// it are good, but not all.
//
// On PostgreSQL it is one query whose rows come as they are asked for. The whole of it has 30 s, the consumer's time
// included. On SQLite, where a reader that dawdles keeps the log of the writing process from being checkpointed, a page
// of up to 4,096 rows is read and the read transaction ended before the first of them is handed out.
func (s *Store) Claiming(ctx context.Context) iter.Seq2[Row, error] {
	const operation = "read the sessions that claim a container"
	source := s.streamClaiming
	if s.sql.more != "" {
		source = s.pageClaiming
	}
	return func(yield func(Row, error) bool) {
		for row, err := range source(ctx) {
			if err != nil {
				yield(Row{}, s.explain(ctx, operation, err))
				return
			}
			// A claim of nothing but blanks claims nothing.
			if row.Claims() && !yield(row, nil) {
				return
			}
		}
	}
}

func (s *Store) streamClaiming(ctx context.Context) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		deadline, cancel := context.WithTimeout(ctx, s.timing.Stream)
		defer cancel()
		s.rows(deadline, s.sql.claiming)(yield)
	}
}

func (s *Store) pageClaiming(ctx context.Context) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		page, last, err := s.page(ctx, s.sql.claiming, pageSize)
		for {
			if err != nil {
				yield(Row{}, err)
				return
			}
			for _, row := range page {
				if !yield(row, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			page, last, err = s.page(ctx, s.sql.more, pageSize, last)
		}
	}
}

// page reads one page and the key of its last row.
func (s *Store) page(ctx context.Context, query string, args ...any) (page []Row, last any, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timing.Read)
	defer cancel()
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("begin a page: %w", err)
	}
	defer func() { _ = rows.Close() }() // what Close can say, Err has said
	for rows.Next() {
		row, err := s.scan(rows, &last)
		if err != nil {
			return nil, nil, err
		}
		page = append(page, row)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("read a page: %w", err)
	}
	return page, last, nil
}
