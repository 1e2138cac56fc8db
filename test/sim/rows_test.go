package sim

import (
	"context"
	"slices"
	"time"

	_ "modernc.org/sqlite" // the driver of the server's and the observer's own connection
)

// change is when a row last changed.
type change struct {
	at       time.Time
	sequence int64
	// claimed is when its claim last changed.
	claimed time.Time
	// was is what it claimed before it claimed what it claims now.
	was string
}

// row is a row as the observer reads it.
type row struct {
	id, status, claim, node string
	created                 time.Time
}

func (r row) live() bool { return r.status == "ACTIVE" || r.status == "IDLE" }

func (r row) ended() bool { return r.status == "ERROR" || r.status == "TERMINATED" }

func (r row) unknown() bool { return !r.live() && !r.ended() }

// rows reads all rows.
func (w *world) rows() []row {
	result, err := w.db.QueryContext(context.Background(),
		"SELECT CAST(id AS text), status, coalesce(container_id, ''), coalesce(node, ''), created_at "+
			"FROM sessions ORDER BY id")
	if err != nil {
		w.t.Errorf("the observer could not read the rows: %v", err)
		return nil
	}
	defer func() { _ = result.Close() }()
	var all []row
	for result.Next() {
		var r row
		var created int64
		if err := result.Scan(&r.id, &r.status, &r.claim, &r.node, &created); err != nil {
			w.t.Errorf("the observer could not read a row: %v", err)
		}
		r.created = time.UnixMilli(created)
		all = append(all, r)
	}
	if err := result.Err(); err != nil {
		w.t.Errorf("the observer could not read the rows: %v", err)
	}
	return all
}

// row reads one row; false when there is none.
func (w *world) row(id string) (row, bool) {
	all := w.rows()
	i := slices.IndexFunc(all, func(r row) bool { return r.id == id })
	if i < 0 {
		return row{}, false
	}
	return all[i], true
}

// changed notes that a row is not what it was. w.writing is held.
func (w *world) changed(before, after row) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sequence++
	c := w.changes[after.id]
	if before.claim != after.claim || before.live() != after.live() || before.node != after.node {
		c.claimed = time.Now()
	}
	if before.claim != after.claim {
		c.was = before.claim
	}
	c.at, c.sequence = time.Now(), w.sequence
	w.changes[after.id] = c
}

// server is one statement of the session server about a session. It returns the rows that were hit. A session that was
// deleted is no more: its id may be another one's by now.
func (w *world) server(s *session, statement string, args ...any) int64 {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.mu.Lock()
	id, deleted := s.id, s.deleted.Load()
	w.mu.Unlock()
	if deleted {
		return 0
	}
	before, _ := w.row(id)
	result, err := w.db.ExecContext(context.Background(), statement, args...)
	if err != nil {
		w.t.Errorf("the server's %q: %v", statement, err)
		return 0
	}
	n, _ := result.RowsAffected()
	after, _ := w.row(id)
	after.id = id
	if n > 0 {
		w.noteUnwanted(before, after)
		w.noteRowless()
	}
	w.changed(before, after)
	w.bind(after)
	return n
}

// bind remembers which container a live row means.
func (w *world) bind(r row) {
	if !r.live() || r.claim == "" {
		return
	}
	n := w.nodeOf(r)
	if n == nil {
		return
	}
	if c, ok := n.engine.Look(r.claim); ok {
		w.mu.Lock()
		w.meant[r.id] = c.ID
		w.mu.Unlock()
	}
}

// nodeOf is the node of a row, nil where it is of none.
func (w *world) nodeOf(r row) *node {
	if w.engines == 1 {
		return w.nodes[0]
	}
	for _, n := range w.nodes {
		if n.name == r.node {
			return n
		}
	}
	return nil
}
