package sessiondb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
)

// errReplaced makes the pool close a connection. It is also driver.ErrBadConn, and so ErrUnreachable.
var errReplaced = fmt.Errorf("another file has taken the place of the database's: %w", driver.ErrBadConn)

// fileConnector opens connections that end when another file takes the place of theirs: a backup that is put back, or
// an ORM that makes the database anew. SQLite would go on with the file that has no name any more, in which nothing
// ever changes again, and every session that began since would be missing.
type fileConnector struct {
	driver.Connector

	path string
}

// Connect opens the file that there is now.
func (c fileConnector) Connect(ctx context.Context) (driver.Conn, error) {
	// Before the file is opened: whatever takes its place from here on is noticed. One that is made by this is looked at
	// afterwards.
	opened, err := os.Stat(c.path)
	conn, connectErr := c.Connector.Connect(ctx)
	if connectErr != nil {
		return nil, connectErr //nolint:wrapcheck // classify knows the driver's own errors
	}
	if errors.Is(err, os.ErrNotExist) {
		opened, err = os.Stat(c.path)
	}
	inner, ok := conn.(driverConn)
	switch {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("%w: %w", errReplaced, err), conn.Close())
	case !ok:
		return nil, errors.Join(errors.New("the SQLite driver lacks what this package needs of it"), conn.Close())
	}
	return &fileConn{inner, c.path, opened}, nil
}

// driverConn is what database/sql uses of a connection of the driver.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// fileConn is a connection that knows its file.
type fileConn struct {
	driverConn

	path   string
	opened os.FileInfo
}

// ResetSession is called before a connection is used again.
func (c *fileConn) ResetSession(ctx context.Context) error {
	if err := c.there(); err != nil {
		return err
	}
	return c.driverConn.ResetSession(ctx) //nolint:wrapcheck // the pool compares it
}

// there returns errReplaced unless the file is the one that was opened.
func (c *fileConn) there() error {
	now, err := os.Stat(c.path)
	if err != nil || !os.SameFile(now, c.opened) {
		return errReplaced
	}
	return nil
}

// stillThere checks a connection that is not given back to the pool between its uses; one that fails is closed.
func stillThere(conn *sql.Conn) error {
	err := conn.Raw(func(inner any) error {
		if c, ok := inner.(*fileConn); ok {
			return c.there()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("use the connection again: %w", err)
	}
	return nil
}
