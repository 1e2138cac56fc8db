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

// postgresTrigger is the trigger as it is installed.
type postgresTrigger struct {
	Function string         `db:"function"` // quoted, with its schema
	Body     string         `db:"body"`
	Channel  string         `db:"channel"`
	Enabled  bool           `db:"enabled"`
	Columns  pq.StringArray `db:"columns"`
}

// The arguments of a trigger are stored one after another, each ended by a zero byte.
const postgresTriggerQuery = `
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) AS function, p.prosrc AS body,
       pg_catalog.split_part(pg_catalog.encode(t.tgargs, 'escape'), '\000', 1) AS channel,
       t.tgenabled IN ('O', 'A') AS enabled,
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = t.tgrelid AND a.attnum = ANY (t.tgattr::int2[])) AS columns
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE t.tgrelid = $1::bigint AND t.tgname = '` + triggerName + `' AND NOT t.tgisinternal`

// trigger returns the trigger on a table, or nil when there is none.
func (p *postgres) trigger(ctx context.Context, db sqlx.QueryerContext, t table) (*postgresTrigger, error) {
	var found postgresTrigger
	err := sqlx.GetContext(ctx, db, &found, postgresTriggerQuery, t.oid)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil //nolint:nilnil // no trigger is an answer, and not an error
	case err != nil:
		return nil, fmt.Errorf("look for the trigger: %w", err)
	}
	return &found, nil
}

// hears reports whether the trigger fires for the mapped columns.
func (t *postgresTrigger) hears(cfg Config) bool {
	return t != nil && t.Enabled && t.Channel != "" &&
		slices.Contains(t.Columns, cfg.Columns.Status) && slices.Contains(t.Columns, cfg.Columns.ContainerID)
}

// denied names the role that is needed where the server refused one.
func (p *postgres) denied(err error) error {
	var e *pq.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Code == pqerror.InsufficientPrivilege:
		return fmt.Errorf(
			"role %s may not do this: run it once as the table's owner with CREATE on the database, or give what "+
				"`session-controller migrate --print` prints to a person who is (%w)", p.config.User, err)
	case e.Code == pqerror.LockNotAvailable:
		return fmt.Errorf("another transaction holds the table: run this again when it has ended (%w)", err)
	}
	return err
}

func (p *postgres) install(ctx context.Context, cfg Config) ([]Step, error) {
	return p.withTable(ctx, cfg, func(db *sqlx.DB, t table) ([]Step, error) {
		o := newPostgresObjects(t.quoted, cfg)
		created, err := p.installTrigger(ctx, db, o, t)
		if err != nil {
			return nil, err
		}
		trigger := Step{Object: fmt.Sprintf("trigger %s on table %s", triggerName, t.shown), Done: created}
		name, created, err := p.installIndex(ctx, db, o, t)
		if err != nil {
			return []Step{trigger}, err
		}
		return []Step{trigger, {Object: "index " + name, Done: created}}, nil
	})
}

func (p *postgres) installTrigger(ctx context.Context, db *sqlx.DB, o postgresObjects, t table) (done bool, err error) {
	err = p.inTx(ctx, db, func(tx *sqlx.Tx) error {
		before, err := p.trigger(ctx, tx, t)
		if err != nil || (before.hears(o.cfg) && before.Body == o.body()) {
			return err
		}
		done = true
		if err := p.createSchema(ctx, tx); err != nil {
			return err
		}
		if err := execAll(ctx, tx, o.dropTrigger(), o.createFunction(), o.createTrigger()); err != nil {
			return err
		}
		if before != nil && before.Function != o.function && ownFunction(before.Function) {
			return execAll(ctx, tx, "DROP FUNCTION IF EXISTS "+before.Function+"()")
		}
		return nil
	})
	return done, err
}

// createSchema asks first: IF NOT EXISTS wants the right to create one though it is there.
func (p *postgres) createSchema(ctx context.Context, tx *sqlx.Tx) error {
	var there bool
	if err := tx.GetContext(ctx, &there,
		`SELECT pg_catalog.to_regnamespace($1) IS NOT NULL`, postgresSchema); err != nil {
		return fmt.Errorf("look for the schema %s: %w", postgresSchema, err)
	}
	if there {
		return nil
	}
	return execAll(ctx, tx, postgresObjects{}.createSchema())
}

// postgresIndexes lists what begins with the claim, whole and valid or not. An index with a predicate does not count.
const postgresIndexes = `
SELECT c.relname AS name, i.indisvalid AS valid
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = $1::bigint AND a.attname = $2 AND i.indpred IS NULL
ORDER BY i.indisvalid DESC, c.relname`

func (p *postgres) installIndex(
	ctx context.Context, db *sqlx.DB, o postgresObjects, t table,
) (name string, done bool, err error) {
	var indexes []struct {
		Name  string `db:"name"`
		Valid bool   `db:"valid"`
	}
	if err := db.SelectContext(ctx, &indexes, postgresIndexes, t.oid, o.cfg.Columns.ContainerID); err != nil {
		return "", false, fmt.Errorf("list the indexes: %w", err)
	}
	own := indexName(bare(o.cfg.Table))
	for _, index := range indexes {
		if index.Valid {
			return index.Name, false, nil
		}
		// Building beside writers leaves an invalid index behind when it is broken off, and "if not exists" would keep it.
		if index.Name == own {
			if err := execAll(ctx, db, o.dropIndex(t.partitioned)); err != nil {
				return "", false, err
			}
		}
	}
	return own, true, execAll(ctx, db, o.createIndex(t.partitioned))
}

func (p *postgres) uninstall(ctx context.Context, cfg Config) ([]Step, error) {
	return p.withTable(ctx, cfg, func(db *sqlx.DB, t table) ([]Step, error) {
		o := newPostgresObjects(t.quoted, cfg)
		trigger := Step{Object: fmt.Sprintf("trigger %s on table %s", triggerName, t.shown)}
		err := p.inTx(ctx, db, func(tx *sqlx.Tx) error {
			before, err := p.trigger(ctx, tx, t)
			if err != nil || before == nil {
				return err
			}
			trigger.Done = true
			if err := execAll(ctx, tx, o.dropTrigger()); err != nil || !ownFunction(before.Function) {
				return err
			}
			return execAll(ctx, tx, "DROP FUNCTION IF EXISTS "+before.Function+"()")
		})
		if err != nil {
			return nil, err
		}
		index := Step{Object: "index " + indexName(bare(cfg.Table))}
		var own int
		if err := db.GetContext(ctx, &own, `SELECT count(*) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c
			ON c.oid = i.indexrelid WHERE i.indrelid = $1::bigint AND c.relname = $2`,
			t.oid, indexName(bare(cfg.Table))); err != nil {
			return []Step{trigger}, fmt.Errorf("look for the index: %w", err)
		}
		if own > 0 {
			index.Done = true
			if err := execAll(ctx, db, o.dropIndex(t.partitioned)); err != nil {
				return []Step{trigger}, err
			}
		}
		return []Step{trigger, index}, nil
	})
}

// ownFunction reports whether a function lives in the schema of this program: no other is ever dropped.
func ownFunction(function string) bool { return strings.HasPrefix(function, postgresSchema+".") }
