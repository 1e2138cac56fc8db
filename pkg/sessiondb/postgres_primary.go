package sessiondb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// errReplica: what a replica shows is old, and nothing can be written there. It is ErrUnreachable: the database that is
// meant does not answer, and may again.
var errReplica = errors.New(
	"the server is a read replica (it is in recovery): set database.url to the primary, or add " +
		"target_session_attrs=read-write to a list of hosts",
)

// primaryConnector lets no connection into the pool that leads to a replica. After a failover the name of a server, or
// the next one in a list of hosts, can be one, and a session that began since would be missing there.
type primaryConnector struct{ driver.Connector }

// Connect connects and asks.
func (c primaryConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // classify and explainConnectError know the driver's own errors
	}
	replica, err := inRecovery(ctx, conn)
	if err == nil && replica {
		err = errReplica
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func inRecovery(ctx context.Context, conn driver.Conn) (replica bool, err error) {
	queryer, ok := conn.(driver.QueryerContext)
	if !ok {
		return false, errors.New("the PostgreSQL driver cannot query on a new connection")
	}
	rows, err := queryer.QueryContext(ctx, "SELECT pg_catalog.pg_is_in_recovery()", nil)
	if err != nil {
		return false, fmt.Errorf("ask whether the server is a replica: %w", err)
	}
	answer := make([]driver.Value, 1)
	if err := errors.Join(rows.Next(answer), rows.Close()); err != nil {
		return false, fmt.Errorf("ask whether the server is a replica: %w", err)
	}
	replica, ok = answer[0].(bool)
	if !ok {
		return false, fmt.Errorf("ask whether the server is a replica: it answered %T", answer[0])
	}
	return replica, nil
}
