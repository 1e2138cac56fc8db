package sessiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"
)

// name returns the table's identifier: with the schema that the table or the URL names, or bare.
func (p *postgres) name(cfg Config) string {
	schema, name, split := strings.Cut(cfg.Table, ".")
	if !split {
		schema, name = p.schema, cfg.Table
	}
	if schema == "" {
		return quotePostgres(name)
	}
	return quotePostgres(schema) + "." + quotePostgres(name)
}

// look reads the system catalogue.
func (p *postgres) look(ctx context.Context, db *sqlx.DB, cfg Config) (table, error) {
	t := table{same: func(a, b string) bool { return a == b }}
	var where struct {
		Database string         `db:"database"`
		Path     sql.NullString `db:"path"`
		Role     string         `db:"role"`
	}
	if err := db.GetContext(
		ctx,
		&where,
		`SELECT current_database() AS database, current_setting('search_path') AS path, current_user AS role`,
	); err != nil {
		return t, fmt.Errorf("read the names: %w", err)
	}
	t.role = where.Role
	t.where = fmt.Sprintf("database %s (search path %s)", where.Database, where.Path.String)
	if p.schema != "" && !strings.Contains(cfg.Table, ".") {
		t.where = fmt.Sprintf("schema %s of database %s", p.schema, where.Database)
	}

	var found struct {
		OID       int64  `db:"oid"`
		Schema    string `db:"schema"`
		Name      string `db:"name"`
		Kind      string `db:"kind"`
		Updatable bool   `db:"updatable"`
	}
	err := db.GetContext(ctx, &found, postgresTable, p.name(cfg))
	var denied *pq.Error
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if err := db.SelectContext(ctx, &t.others, postgresTables); err != nil {
			return t, fmt.Errorf("list the tables: %w", err)
		}
		return t, nil
	case errors.As(err, &denied) && denied.Code == pqerror.InsufficientPrivilege:
		return t, fmt.Errorf(
			"role %s may not look into the schema: an owner must run GRANT USAGE ON SCHEMA … TO %s (%w)",
			where.Role,
			quotePostgres(where.Role),
			err,
		)
	case err != nil:
		return t, fmt.Errorf("find the table: %w", err)
	}
	t.found, t.oid, t.partitioned = true, found.OID, found.Kind == "p"
	t.quoted = quotePostgres(found.Schema) + "." + quotePostgres(found.Name)
	t.shown = found.Schema + "." + found.Name
	t.view = found.Kind == "v" || found.Kind == "f"
	if !found.Updatable {
		t.fixed = "is a view that cannot be updated"
	}
	if t.columns, err = postgresColumns(ctx, db, found.OID); err != nil {
		return t, err
	}
	if err := db.SelectContext(ctx, &t.unique, postgresUnique, found.OID); err != nil {
		return t, fmt.Errorf("list the unique indexes: %w", err)
	}
	return t, nil
}

// The kinds of relation: r table, p partitioned table, f foreign table, v view, m materialised view. Bit 4 of
// pg_relation_is_updatable is UPDATE.
const (
	postgresTable = `
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS kind,
       pg_catalog.pg_relation_is_updatable(c.oid, true) & 4 <> 0 AS updatable
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p', 'f', 'v', 'm')`

	postgresTables = `
SELECT n.nspname || '.' || c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 1`

	postgresUnique = `
SELECT a.attname
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = $1::bigint AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1`

	// A domain counts as the type that it is made of.
	postgresColumnList = `
SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, b.typname AS base,
       CASE WHEN b.typtype = 'e' THEN 'E' ELSE b.typcategory::text END AS category,
       a.attnotnull OR t.typnotnull AS "notNull",
       CASE WHEN b.typname IN ('varchar', 'bpchar')
            THEN greatest(CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END - 4, 0)
            ELSE 0 END AS "maxLen",
       pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS "canRead",
       pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'UPDATE') AS "canWrite",
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = b.oid
             ORDER BY e.enumsortorder) AS values
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
WHERE a.attrelid = $1::bigint AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`
)

func postgresColumns(ctx context.Context, db *sqlx.DB, oid int64) ([]column, error) {
	var list []struct {
		Name     string         `db:"name"`
		Type     string         `db:"type"`
		Base     string         `db:"base"`
		Category string         `db:"category"`
		NotNull  bool           `db:"notNull"`
		MaxLen   int            `db:"maxLen"`
		CanRead  bool           `db:"canRead"`
		CanWrite bool           `db:"canWrite"`
		Values   pq.StringArray `db:"values"`
	}
	if err := db.SelectContext(ctx, &list, postgresColumnList, oid); err != nil {
		return nil, fmt.Errorf("list the columns: %w", err)
	}
	columns := make([]column, len(list))
	for i, c := range list {
		columns[i] = column{
			name: c.Name, typ: c.Type, notNull: c.NotNull, maxLen: c.MaxLen, values: slices.Clone(c.Values),
			zoned: c.Base == "timestamptz", noRead: !c.CanRead, noWrite: !c.CanWrite,
			class: map[string]typeClass{"S": classText, "N": classNumber, "D": classTime, "E": classEnum}[c.Category],
		}
	}
	return columns, nil
}

// create runs CREATE TABLE without IF NOT EXISTS: the server's refusal is what tells that it is there already.
func (p *postgres) create(ctx context.Context, cfg Config) (bool, error) {
	db, _, err := p.open()
	if err != nil {
		return false, err
	}
	defer func() { _ = db.Close() }() // every statement has been answered
	_, err = db.ExecContext(ctx, p.createStatement(cfg))
	var e *pq.Error
	if !errors.As(err, &e) {
		if known := p.explainConnectError(err); known != nil {
			err = known
		}
		return err == nil, err
	}
	switch e.Code {
	case pqerror.DuplicateTable,
		pqerror.DuplicateObject, // a table is a type, too, and of two at the same moment the second can stumble on that
		pqerror.UniqueViolation: // or on the catalogue's own index
		return false, nil
	case pqerror.InsufficientPrivilege:
		return false, fmt.Errorf(
			"role %s may not create a table there: an owner must run GRANT CREATE ON SCHEMA … TO %s (%w)",
			p.config.User,
			quotePostgres(p.config.User),
			err,
		)
	case pqerror.InvalidSchemaName:
		return false, fmt.Errorf(
			"there is no schema to create it in: create the schema first, or change schema in database.url or "+
				"database.table (%w)",
			err,
		)
	}
	if known := p.explainConnectError(err); known != nil {
		err = known
	}
	return false, err
}
