package sessiondb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
)

var (
	// ErrNotFound means that the database answered and has no session with this id. An id that the column's type cannot
	// hold (text where the column is a uuid or an integer) is not found either: no row can have it.
	ErrNotFound = errors.New("no such session")

	// ErrImpossibleID means that no session can have this id: the column's type cannot hold it. It is also ErrNotFound.
	ErrImpossibleID = errors.New("the id column cannot hold this")

	// ErrConflict means that a compare-and-set hit no row: it had changed meanwhile, or an earlier attempt of the same
	// write arrived after all. Nothing was overwritten; look again.
	ErrConflict = errors.New("the session changed since it was read")

	// ErrUnreachable means that the database did not answer: refused, connection lost, timed out, or (SQLite) busy for
	// longer than a write may wait. A write that ends so may or may not have been applied; look again.
	ErrUnreachable = errors.New("the database could not be reached")
)

// failure is what an error of a driver means to a caller.
type failure int

const (
	// failureOther is an answer of the database that no caller branches on.
	failureOther failure = iota
	// failureUnreachable becomes ErrUnreachable.
	failureUnreachable
	// failureConflict becomes ErrConflict: a serialisation failure is a lost race under another name.
	failureConflict
	// failureImpossible is a value that the column's type cannot hold.
	failureImpossible
)

// explain wraps err with the operation and with the sentinel that it amounts to. ctx is the caller's own context, not
// the one with this package's deadline: a caller who gave up gets his own error back and is not told that the database
// is down.
func (s *Store) explain(ctx context.Context, operation string, err error) error {
	return explain(ctx, s.backend, operation, err)
}

func explain(ctx context.Context, b backend, operation string, err error) error {
	ctxErr := ctx.Err()
	if errors.Is(ctxErr, context.Canceled) {
		return fmt.Errorf("%s: %w", operation, ctxErr)
	}
	if ctxErr != nil || lost(err) {
		return fmt.Errorf("%s: %w: %w", operation, ErrUnreachable, err)
	}
	switch b.classify(err) {
	case failureUnreachable:
		return fmt.Errorf("%s: %w: %w", operation, ErrUnreachable, err)
	case failureConflict:
		return fmt.Errorf("%s: %w: %w", operation, ErrConflict, err)
	case failureOther, failureImpossible:
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// lost reports what is the same for every driver: a deadline, a dead connection, a network that failed.
func lost(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}
