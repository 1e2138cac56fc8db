package sessiondb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// leaseFormat is what this version writes. A later one that changes the meaning of a record raises it.
const leaseFormat = 1

// ErrLeaseFormat means that a lease was written by a newer version, or by something else. It is left as it is.
var ErrLeaseFormat = errors.New("the lease is not one that this version can read")

// lease is one row of the controller's own table as a lock of client-go's elector. Every write is a compare-and-set on
// the version that was last read or written: Update comes without a Get before it.
type lease struct {
	ledger   *Ledger
	name     string
	identity string

	mu      sync.Mutex
	version int64
}

var _ resourcelock.Interface = (*lease)(nil)

// Lease returns the lease of this name, held as identity. Nothing is read or written before the elector asks.
func (l *Ledger) Lease(name, identity string) resourcelock.Interface {
	return &lease{ledger: l, name: l.table + "/" + name, identity: identity}
}

// Identity names the process that asks for the lease.
func (l *lease) Identity() string { return l.identity }

// Describe names the lease for logs.
func (l *lease) Describe() string { return "lease " + l.name }

// RecordEvent does nothing: the elector says the same to the log.
func (l *lease) RecordEvent(string) {}

// Get returns the record, or a NotFound as client-go's elector knows it.
func (l *lease) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	operation := "read " + l.Describe()
	ctx, cancel := context.WithTimeout(ctx, l.ledger.store.timing.Read)
	defer cancel()
	var row struct {
		Format  int    `db:"format"`
		Version int64  `db:"version"`
		Record  string `db:"record"`
	}
	err := l.ledger.db.GetContext(ctx, &row, l.ledger.sql(
		"SELECT format, version, record FROM "+l.ledger.place+leaseTable+" WHERE name = $1"), l.name)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		//nolint:wrapcheck // the elector asks for this kind
		return nil, nil, apierrors.NewNotFound(schema.GroupResource{Resource: leaseTable}, l.name)
	case err != nil:
		return nil, nil, l.ledger.store.explain(ctx, operation, err)
	case row.Format > leaseFormat:
		return nil, nil, fmt.Errorf("%s: %w: a newer version of session-controller wrote it (format %d, this one knows %d); "+
			"upgrade this one", operation, ErrLeaseFormat, row.Format, leaseFormat)
	}
	var record resourcelock.LeaderElectionRecord
	if err := json.Unmarshal([]byte(row.Record), &record); err != nil {
		return nil, nil, fmt.Errorf("%s: %w: its record is no JSON of a lease; delete the row if no replica holds it",
			operation, ErrLeaseFormat)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version = row.Version
	return &record, []byte(row.Record), nil
}

// Create makes the row. ErrConflict: there is one by now.
func (l *lease) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, "create ", record,
		"INSERT INTO "+l.ledger.place+leaseTable+" (name, format, version, record) VALUES ($1, $2, $3 + 1, $4) "+
			"ON CONFLICT DO NOTHING", 0)
}

// Update writes the row unless another process has since, which is an ErrConflict.
func (l *lease) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	l.mu.Lock()
	version := l.version
	l.mu.Unlock()
	return l.write(ctx, "renew ", record,
		"UPDATE "+l.ledger.place+leaseTable+" SET format = $2, version = $3 + 1, record = $4 "+
			"WHERE name = $1 AND version = $3 AND format <= $2", version)
}

func (l *lease) write(
	ctx context.Context, verb string, record resourcelock.LeaderElectionRecord, query string, version int64,
) error {
	operation := verb + l.Describe()
	text, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.ledger.store.timing.Write)
	defer cancel()
	result, err := l.ledger.db.ExecContext(ctx, l.ledger.sql(query), l.name, leaseFormat, version, string(text))
	if err != nil {
		return l.ledger.store.explain(ctx, operation, err)
	}
	if hit, err := result.RowsAffected(); err != nil || hit == 0 {
		return l.ledger.store.explain(ctx, operation, errors.Join(errLeaseMoved, err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.version = version + 1
	return nil
}

var errLeaseMoved = fmt.Errorf("another process wrote the lease since it was read: %w", ErrConflict)
