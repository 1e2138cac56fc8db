package sessiondb

import (
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"
)

// poller finds rows that ended and still claim something.
//
// A row that keeps its claim (its container is foreign, say) is told of once and not at every poll: what was seen is
// remembered in 8 bytes a row. Should two rows share a hash, one hint is lost, and the sweep finds the row.
type poller struct {
	store   *Store
	seed    maphash.Seed
	seen    map[uint64]bool
	conn    *sql.Conn // SQLite: the version of the data is one of a connection
	version int64
}

// versioned is a backend that knows without a query whether anything was written.
type versioned interface {
	// dataVersion changes whenever another connection has written.
	dataVersion(ctx context.Context, conn *sql.Conn) (int64, error)
}

// poll tells of every row that was not there in the last poll as it is now.
func (p *poller) poll(ctx context.Context, found func(id string)) error {
	deadline, cancel := context.WithTimeout(ctx, p.store.timing.Read)
	defer cancel()
	unchanged, err := p.unchanged(deadline)
	if err != nil || unchanged {
		return err
	}
	if p.seen == nil {
		p.seed, p.seen = maphash.MakeSeed(), map[uint64]bool{}
	}
	list, err := p.store.backend.dialect().list(p.store.statuses.Ended)
	if err != nil {
		return err
	}
	seen := make(map[uint64]bool, len(p.seen))
	var changed []string
	for row, err := range p.store.rows(deadline, p.store.sql.ended, list) {
		if err != nil {
			p.version = 0 // what was read is not all
			return err
		}
		if !row.Claims() {
			continue
		}
		key := maphash.Comparable(p.seed, row)
		if seen[key] = true; !p.seen[key] {
			changed = append(changed, row.ID)
		}
	}
	p.seen = seen
	// SQLite's read has ended by now: the consumer of the hints may take its time.
	for _, id := range changed {
		found(id)
	}
	return nil
}

// unchanged reports that nothing has been written since the last poll. It asks before the rows are read, so that a
// write in between is seen by the next poll.
func (p *poller) unchanged(ctx context.Context) (bool, error) {
	v, ok := p.store.backend.(versioned)
	if !ok {
		return false, nil
	}
	if p.conn == nil {
		conn, err := p.store.read.Conn(ctx)
		if err != nil {
			return false, fmt.Errorf("take a connection: %w", err)
		}
		p.conn = conn
	}
	version, err := v.dataVersion(ctx, p.conn)
	if err != nil {
		return false, err
	}
	same := version == p.version
	p.version = version
	return same, nil
}

// close gives the connection back; the next poll takes another and reads everything.
func (p *poller) close() {
	if p.conn != nil {
		_ = p.conn.Close() // it goes back to the pool, or was broken anyway
	}
	p.conn, p.version = nil, 0
}
