package sessiondb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// EngineTakenError means that an engine is remembered as another node's: its containers belong to that node's rows.
type EngineTakenError struct {
	// Identity is the engine's, Node the node that has it; empty is a controller without a node.
	Identity, Node string
}

func (e *EngineTakenError) Error() string {
	return fmt.Sprintf("engine %s is remembered as that of node %q: is docker.node or the docker host wrong? If the "+
		"engine has really moved, run `session-controller trust-engine`", e.Identity, e.Node)
}

// RememberedEngine returns the identity of the engine that this node's rows are served with, "" when none is
// remembered. Errors: ErrNoLedger when the tables are there no more, ErrUnreachable, or the context's own.
func (l *Ledger) RememberedEngine(ctx context.Context) (string, error) {
	const operation = "read which engine is remembered"
	deadline, cancel := context.WithTimeout(ctx, l.store.timing.Read)
	defer cancel()
	var identity string
	err := l.db.GetContext(deadline, &identity, l.sql(
		"SELECT identity FROM "+l.place+engineTable+" WHERE sessions_table = $1 AND node = $2"), l.table, l.node)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err != nil:
		return "", l.explain(ctx, operation, err)
	}
	return identity, nil
}

// RememberEngine remembers an engine for this node in place of previous, "" for none. Errors: ErrConflict when another
// one is remembered by now, *EngineTakenError when the engine is another node's, ErrNoLedger when the tables are there
// no more, ErrUnreachable, or the context's own.
func (l *Ledger) RememberEngine(ctx context.Context, identity, previous string) error {
	operation := "remember engine " + identity
	if err := l.EngineFree(ctx, identity); err != nil {
		return err
	}
	deadline, cancel := context.WithTimeout(ctx, l.store.timing.Write)
	defer cancel()
	// Both statements hit nothing where another process was faster; the unique keys see to it that no engine gets two
	// nodes.
	query := "INSERT INTO " + l.place + engineTable + " (sessions_table, node, identity) VALUES ($1, $2, $3) " +
		"ON CONFLICT DO NOTHING"
	args := []any{l.table, l.node, identity}
	if previous != "" {
		query = "UPDATE " + l.place + engineTable + " SET identity = $3 " +
			"WHERE sessions_table = $1 AND node = $2 AND identity = $4"
		args = append(args, previous)
	}
	result, err := l.db.ExecContext(deadline, l.sql(query), args...)
	if err != nil {
		return l.explain(ctx, operation, err)
	}
	if hit, err := result.RowsAffected(); err != nil || hit == 0 {
		return l.store.explain(ctx, operation, errors.Join(ErrConflict, err))
	}
	return nil
}

// EngineFree returns nil when an engine is this node's or no node's. Errors: *EngineTakenError, ErrNoLedger when the
// tables are there no more, ErrUnreachable, or the context's own.
func (l *Ledger) EngineFree(ctx context.Context, identity string) error {
	operation := "look whose engine " + identity + " is"
	deadline, cancel := context.WithTimeout(ctx, l.store.timing.Read)
	defer cancel()
	node, err := l.holder(deadline, identity)
	switch {
	case err != nil:
		return l.explain(ctx, operation, err)
	case node != nil && *node != l.node:
		return fmt.Errorf("%s: %w", operation, &EngineTakenError{Identity: identity, Node: *node})
	}
	return nil
}

// holder returns the node that has an engine, nil for none.
func (l *Ledger) holder(ctx context.Context, identity string) (*string, error) {
	var node string
	err := l.db.GetContext(ctx, &node, l.sql(
		"SELECT node FROM "+l.place+engineTable+" WHERE sessions_table = $1 AND identity = $2"), l.table, identity)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil //nolint:nilnil // no node is an answer, and "" is one as well
	case err != nil:
		return nil, err //nolint:wrapcheck // EngineFree says what was tried
	}
	return &node, nil
}

// TrustEngine is an operator's yes: the engine is this node's from now on, whatever was remembered, and no other
// node's. Errors: ErrUnreachable, or the context's own.
func (l *Ledger) TrustEngine(ctx context.Context, identity string) (err error) {
	operation := "trust engine " + identity
	deadline, cancel := context.WithTimeout(ctx, l.store.timing.Write)
	defer cancel()
	tx, err := l.db.BeginTxx(deadline, nil)
	if err != nil {
		return l.explain(ctx, operation, err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit there is nothing left to undo
	for _, step := range []struct {
		query string
		args  []any
	}{
		{
			"DELETE FROM " + l.place + engineTable + " WHERE sessions_table = $1 AND (node = $2 OR identity = $3)",
			[]any{l.table, l.node, identity},
		},
		{
			"INSERT INTO " + l.place + engineTable + " (sessions_table, node, identity) VALUES ($1, $2, $3)",
			[]any{l.table, l.node, identity},
		},
	} {
		if _, err := tx.ExecContext(deadline, l.sql(step.query), step.args...); err != nil {
			return l.explain(ctx, operation, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return l.explain(ctx, operation, err)
	}
	return nil
}

// sql spells the arguments of a statement as this database does.
func (l *Ledger) sql(query string) string { return rebind(query, l.store.backend.dialect()) }
