package sessiondb_test

import (
	"fmt"
	"slices"
)

// catalogue is what an ORM compares with its own idea of the user's schema: tables, columns with their types, indexes.
func (f *fixture) catalogue() []string {
	f.t.Helper()
	query := `SELECT 'table ' || c.relname FROM pg_class c
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind <> 'i'
		UNION ALL SELECT 'column ' || c.relname || '.' || a.attname || ' ' || a.atttypid::regtype FROM pg_class c
			JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
		UNION ALL SELECT 'index ' || c.relname FROM pg_class c
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'i'
		UNION ALL SELECT 'type ' || t.typname FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace
		UNION ALL SELECT 'function ' || p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace`
	if f.sqlite {
		query = `SELECT type || ' ' || name FROM sqlite_master
			UNION ALL SELECT 'column ' || name || ' ' || type FROM pragma_table_info('sessions')`
	}
	rows, err := f.raw.QueryContext(f.t.Context(), query)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // what Close can say, Err has said
	var found []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			f.t.Fatal(err)
		}
		found = append(found, name)
	}
	if err := rows.Err(); err != nil {
		f.t.Fatal(err)
	}
	return sortedText(found)
}

func sortedText(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// lease runs a statement on the lease table; %s stands for its place.
func (f *fixture) lease(statement string) {
	f.t.Helper()
	if !f.sqlite {
		f.exec(fmt.Sprintf(statement, "session_controller."))
		return
	}
	side := connect(f.t, "sqlite", f.config.URL+".session-controller.db?_busy_timeout=10000")
	if _, err := side.ExecContext(f.t.Context(), fmt.Sprintf(statement, "")); err != nil {
		f.t.Fatal(err)
	}
}
