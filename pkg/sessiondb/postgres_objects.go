package sessiondb

import (
	"fmt"
	"strings"
)

// postgresSchema is where everything lives that is not bound to the user's table, so that an ORM that compares its
// schema with the database sees nothing new there.
const postgresSchema = "session_controller"

// postgresObjects are the optional objects on one table, and the SQL that makes them.
//
// Trigger and index cannot live anywhere but on the table. An ORM's drift check sees indexes, tables, columns and
// types, but no triggers.
type postgresObjects struct {
	table    string // quoted
	function string // with its schema; it needs no quotes
	index    string // quoted
	channel  string
	cfg      Config
}

// newPostgresObjects names the objects of a table; quoted is the table as statements name it.
func newPostgresObjects(quoted string, cfg Config) postgresObjects {
	const digits = 16
	id := digest(quoted)[:digits]
	return postgresObjects{
		table:    quoted,
		function: postgresSchema + ".notify_" + id,
		index:    quotePostgres(indexName(bare(cfg.Table))),
		channel:  "session_controller_" + id,
		cfg:      cfg,
	}
}

func (o postgresObjects) createSchema() string {
	return "CREATE SCHEMA IF NOT EXISTS " + postgresSchema
}

// body is the trigger's function. A payload must be shorter than 8,000 bytes: an id that is not is left out, and an
// empty payload stands for "look at everything". The function never fails for a value of the row: it runs in the
// server's own transaction.
func (o postgresObjects) body() string {
	id, status, claim := quotePostgres(o.cfg.Columns.ID), quotePostgres(o.cfg.Columns.Status),
		quotePostgres(o.cfg.Columns.ContainerID)
	same := func(column string) string {
		return "NEW." + column + "::text IS NOT DISTINCT FROM OLD." + column + "::text"
	}
	return `
DECLARE
  changed text;
BEGIN
  IF TG_OP = 'DELETE' THEN
    changed := OLD.` + id + `::text;
  ELSE
    changed := NEW.` + id + `::text;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF ` + same(status) + ` AND ` + same(claim) + ` THEN
      RETURN NULL;
    END IF;
  END IF;
  IF pg_catalog.octet_length(changed) >= 8000 THEN
    changed := '';
  END IF;
  PERFORM pg_catalog.pg_notify(TG_ARGV[0], coalesce(changed, ''));
  RETURN NULL;
END
`
}

func (o postgresObjects) createFunction() string {
	tag := "$session_controller$"
	// The tag ends the string wherever it stands, in the name of a column too.
	for n := 1; strings.Contains(o.body(), tag); n++ {
		tag = fmt.Sprintf("$session_controller_%d$", n)
	}
	return "CREATE OR REPLACE FUNCTION " + o.function + "() RETURNS trigger LANGUAGE plpgsql AS " +
		tag + o.body() + tag
}

// dropTrigger comes before createTrigger: OR REPLACE is only known since PostgreSQL 14.
func (o postgresObjects) dropTrigger() string {
	return "DROP TRIGGER IF EXISTS " + triggerName + " ON " + o.table
}

func (o postgresObjects) createTrigger() string {
	return fmt.Sprintf(
		"CREATE TRIGGER %s AFTER INSERT OR UPDATE OF %s, %s OR DELETE ON %s FOR EACH ROW EXECUTE PROCEDURE %s('%s')",
		triggerName, quotePostgres(o.cfg.Columns.Status), quotePostgres(o.cfg.Columns.ContainerID), o.table,
		o.function, o.channel,
	)
}

func (o postgresObjects) dropFunction() string { return "DROP FUNCTION IF EXISTS " + o.function + "()" }

// createIndex builds beside writers. That is not possible on a partitioned table, or in a transaction.
func (o postgresObjects) createIndex(partitioned bool) string {
	concurrently := "CONCURRENTLY "
	if partitioned {
		concurrently = ""
	}
	return "CREATE INDEX " + concurrently + "IF NOT EXISTS " + o.index + " ON " + o.table +
		" (" + quotePostgres(o.cfg.Columns.ContainerID) + ")"
}

// dropIndex names the index with the schema of its table, which is where an index lives.
func (o postgresObjects) dropIndex(partitioned bool) string {
	index, concurrently := o.index, "CONCURRENTLY "
	if schema, _, split := cutQuoted(o.table); split {
		index = schema + "." + index
	}
	if partitioned {
		concurrently = ""
	}
	return "DROP INDEX " + concurrently + "IF EXISTS " + index
}

// cutQuoted cuts "schema"."table" at the first dot that is in no quotes: one that an even number of them precedes.
func cutQuoted(name string) (schema, table string, split bool) {
	quotes := 0
	for i, c := range []byte(name) {
		switch {
		case c == '"':
			quotes++
		case c == '.' && quotes%2 == 0:
			return name[:i], name[i+1:], true
		}
	}
	return name, "", false
}

// statements is what --print shows.
func (p *postgres) statements(cfg Config, uninstall bool) []string {
	o := newPostgresObjects(p.name(cfg), cfg)
	if uninstall {
		return []string{o.dropTrigger(), o.dropFunction(), o.dropIndex(false), p.dropLedgerStatement(o.table)}
	}
	return append([]string{
		o.createSchema(), o.createFunction(), o.dropTrigger(), o.createTrigger(), o.createIndex(false),
	}, ledgerTables(p.ledgerPlace())...)
}

func (p *postgres) createStatement(cfg Config) string {
	updatedAt := map[string]string{
		TimeFormatTimestamp: "timestamptz",
		TimeFormatUnix:      "bigint",
		TimeFormatUnixMilli: "bigint",
	}
	return createTable(p.name(cfg), p.dialect(), cfg, updatedAt[cfg.TimeFormat])
}
