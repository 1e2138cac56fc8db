package sessiondb

import (
	"context"
	"fmt"
)

// CreateSessionsTable creates the reference table under the names of cfg: id text primary key, status text not null,
// the claim as text that can be NULL, and updatedAt and reason when they are mapped. For SQLite it also creates the
// file, in WAL mode, if there is none. It is what `migrate --sessions-table` calls; nothing else in this package
// creates anything.
//
// An existing table, or file, is left as it is; created is false then. Either way the table is checked as Open does.
func CreateSessionsTable(ctx context.Context, cfg Config) (created bool, err error) {
	if err := cfg.Validate(); err != nil {
		return false, err
	}
	b, err := newBackend(cfg)
	if err != nil {
		return false, err
	}
	operation := fmt.Sprintf("create table %s in %s", cfg.Table, b.describe())
	deadline, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	created, err = b.create(deadline, cfg)
	if err != nil {
		return false, explain(ctx, b, operation, err)
	}
	s, err := Open(ctx, cfg)
	if err != nil {
		return created, err
	}
	return created, s.Close()
}

// createTable is the reference table. It has no index on the claim: that is an optional object of its own.
func createTable(name string, d dialect, cfg Config, updatedAtType string) string {
	columns := d.quote(cfg.Columns.ID) + " text NOT NULL PRIMARY KEY, " +
		d.quote(cfg.Columns.Status) + " text NOT NULL, " +
		d.quote(cfg.Columns.ContainerID) + " text"
	if cfg.Columns.UpdatedAt != "" {
		columns += ", " + d.quote(cfg.Columns.UpdatedAt) + " " + updatedAtType
	}
	if cfg.Columns.Reason != "" {
		columns += ", " + d.quote(cfg.Columns.Reason) + " text"
	}
	return "CREATE TABLE " + name + " (" + columns + ")"
}
