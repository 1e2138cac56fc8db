package sessiondb

import (
	"context"
	"fmt"
	"strings"
)

// CreateSessionsTable creates the reference table under the names of cfg: id text primary key, status text not null,
// the claim as text that can be NULL, and the other columns that are mapped. For SQLite it also creates the file, in
// WAL mode, if there is none. It is what `migrate --sessions-table` calls; Migrate alone creates anything else.
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
	deadline, cancel := context.WithTimeout(ctx, cfg.Timing.withDefaults().Write)
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
func createTable(name string, d dialect, cfg Config, timeType string) string {
	columns := []string{
		d.quote(cfg.Columns.ID) + " text NOT NULL PRIMARY KEY",
		d.quote(cfg.Columns.Status) + " text NOT NULL",
		d.quote(cfg.Columns.ContainerID) + " text",
	}
	for _, more := range []struct{ name, typ string }{
		{cfg.Columns.UpdatedAt, timeType},
		{cfg.Columns.Reason, "text"},
		{cfg.Columns.CreatedAt, timeType},
		{cfg.Columns.Node, "text"},
	} {
		if more.name != "" {
			columns = append(columns, d.quote(more.name)+" "+more.typ)
		}
	}
	return "CREATE TABLE " + name + " (" + strings.Join(columns, ", ") + ")"
}
