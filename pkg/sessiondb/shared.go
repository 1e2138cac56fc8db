package sessiondb

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/session-controller/session-controller/internal/batch"
)

const (
	// sharing is how many statements that several callers share are under way at most, of each kind: half of the pool.
	sharing = postgresPool / 2
	// overlapAfter is after how long another one begins beside one that has not ended: a read of several rows takes 1 ms,
	// a write 2 to 5.
	overlapAfter = 20 * time.Millisecond
)

// share lets reads and writes that are asked for at the same time share statements, where that saves round trips.
func (s *Store) share() {
	if s.sql.gets != "" {
		s.gets = batch.New(sharing, overlapAfter, s.getSeveral)
	}
	if s.sql.setClaims != "" {
		s.writes = batch.New(sharing, overlapAfter, s.writeSeveral)
	}
}

// errAlone says that a shared statement did not answer one of those who asked: it takes a statement of its own, beside
// the others, so that no caller waits for it.
var errAlone = errors.New("not by a shared statement")

// getSeveral reads rows by one query. It does not find an id that is spelt in another way than the database's, and all
// are read alone where one is impossible.
func (s *Store) getSeveral(ctx context.Context, ids []string) []batch.Answer[Row] {
	if len(ids) == 1 {
		row, err := s.get(ctx, ids[0])
		return []batch.Answer[Row]{{Value: row, Err: err}}
	}
	deadline, cancel := context.WithTimeout(ctx, s.timing.Read)
	defer cancel()
	found := make(map[string]Row, len(ids))
	for row, err := range s.rows(deadline, s.sql.gets, pq.Array(ids)) {
		if err != nil {
			return failed(len(ids), s.explain(ctx, "read several sessions", err))
		}
		found[row.ID] = row
	}
	answers := make([]batch.Answer[Row], len(ids))
	for i, id := range ids {
		row, ok := found[id]
		if answers[i].Value = row; !ok {
			answers[i].Err = errAlone
		}
	}
	return answers
}

// writeSeveral carries out writes: those that fail their session by one statement, and the others by another one. It
// does not hit a row that is another one by now, or is locked, or is written twice.
func (s *Store) writeSeveral(ctx context.Context, asked []write) []batch.Answer[Row] {
	ctx, cancel := context.WithTimeout(ctx, s.timing.Write)
	defer cancel()
	if len(asked) == 1 {
		row, err := s.compareAndSetOne(ctx, asked[0])
		return []batch.Answer[Row]{{Value: row, Err: err}}
	}
	answers := failed(len(asked), errAlone)
	for _, fails := range []bool{true, false} {
		places := map[string]int{}
		var lists writeLists
		for i, w := range asked {
			if _, twice := places[w.row.ID]; w.fails == fails && !twice {
				places[w.row.ID] = i
				lists.add(w, s.node(w.row))
			}
		}
		for place, row := range s.writeAll(ctx, fails, lists, places) {
			answers[place] = row
		}
	}
	return answers
}

// writeAll carries out writes of a kind by one statement and returns the answers of those that it hit, or could not
// reach, by their places.
func (s *Store) writeAll(
	ctx context.Context, fails bool, lists writeLists, places map[string]int,
) map[int]batch.Answer[Row] {
	answers := make(map[int]batch.Answer[Row], len(places))
	if len(places) < 2 { // one alone shares nothing
		return answers
	}
	query, args := s.several(fails, lists)
	for row, err := range s.query(ctx, s.write, query, args, s.beside(fails)...) {
		if err != nil { // whatever was returned before has not been committed
			all := failed(1, s.explain(ctx, "write several sessions", err))
			for _, place := range places {
				answers[place] = all[0]
			}
			return answers
		}
		if place, ok := places[row.ID]; ok {
			answers[place] = batch.Answer[Row]{Value: row}
		}
	}
	return answers
}

// failed is the answer of all where a shared statement failed: a database that could not be reached is not asked again
// by each of them, and everything else is found out by each alone.
func failed(n int, err error) []batch.Answer[Row] {
	if !errors.Is(err, ErrUnreachable) {
		err = errAlone
	}
	return slices.Repeat([]batch.Answer[Row]{{Err: err}}, n)
}

// writeLists are the arguments of several writes.
type writeLists struct {
	ids, statuses, claims, messages, reasons []string
	nodes, newClaims                         []sql.NullString
}

func (l *writeLists) add(w write, node sql.NullString) {
	l.ids, l.statuses = append(l.ids, w.row.ID), append(l.statuses, w.row.Status)
	l.claims, l.nodes = append(l.claims, w.row.Claim), append(l.nodes, node)
	l.newClaims, l.messages = append(l.newClaims, w.claim), append(l.messages, w.message)
	l.reasons = append(l.reasons, w.reason)
}

// several returns the statement for several writes and its arguments.
func (s *Store) several(fails bool, l writeLists) (query string, args []any) {
	args = []any{pq.Array(l.ids), pq.Array(l.statuses), pq.Array(l.claims), pq.Array(l.nodes), pq.Array(l.newClaims)}
	ids := pq.Array(l.ids)
	if !fails {
		return s.sql.setClaims, append(args, ids)
	}
	args = append(args, s.statuses.Error)
	switch {
	case s.config.NotifyChannel != "":
		args = append(args, pq.Array(l.messages), pq.Array(l.reasons), s.config.NotifyChannel)
	case s.config.Columns.Reason != "":
		args = append(args, pq.Array(l.messages))
	}
	return s.sql.fails, append(args, ids)
}
