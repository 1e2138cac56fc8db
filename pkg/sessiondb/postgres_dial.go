package sessiondb

import (
	"context"
	"net"
	"sync"
	"time"
)

// socketGrace is how much longer than a statement's own deadline its socket waits. lib/pq answers a context that is
// done by asking the server to cancel the statement; only a server that does not answer that either needs the socket to
// give up.
const socketGrace = time.Second

// dialer makes connections on which no read and no write can hang for ever. lib/pq reads without a deadline, so that a
// server that is stopped, or behind a network that drops everything, would hold its caller long after the context
// ended.
type dialer struct {
	net.Dialer

	// limit is how long one read or write may take.
	limit time.Duration
	// until, if it is not nil, is the life of the connections: they are closed when it is done.
	until context.Context //nolint:containedctx // pq.Dialer leaves no other way to a connection that is being made
}

// Dial is part of pq.Dialer; lib/pq prefers DialContext.
func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout is part of pq.Dialer; lib/pq prefers DialContext.
func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext connects.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d.until != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(d.until, cancel)() //nolint:contextcheck // the other of two contexts
	}
	c, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // lib/pq's caller sees it as it would come from the net package
	}
	if d.until != nil {
		// The one who reads sees it closed.
		context.AfterFunc(d.until, func() { _ = c.Close() }) //nolint:contextcheck // the connection outlives ctx
	}
	return &boundedConn{Conn: c, limit: d.limit}, nil
}

// boundedConn gives every single read and write a deadline. The protocol is one of question and answer and nothing is
// read between statements, so that an idle connection, or a stream whose consumer takes his time, runs into none.
type boundedConn struct {
	net.Conn

	limit time.Duration
	mu    sync.Mutex
	given time.Time // the deadline that lib/pq set for connecting; zero when it has taken it back
}

// SetDeadline keeps the deadline of lib/pq; the earlier of the two counts.
func (c *boundedConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	c.given = t
	c.mu.Unlock()
	return c.Conn.SetDeadline(t) //nolint:wrapcheck // a net.Conn, and nothing to add
}

// Read is net.Conn's, with a deadline.
func (c *boundedConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(c.deadline()); err != nil {
		return 0, err //nolint:wrapcheck // as Read
	}
	return c.Conn.Read(b) //nolint:wrapcheck // io.EOF must stay io.EOF
}

// Write is net.Conn's, with a deadline.
func (c *boundedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(c.deadline()); err != nil {
		return 0, err //nolint:wrapcheck // as Read
	}
	return c.Conn.Write(b) //nolint:wrapcheck // as Read
}

func (c *boundedConn) deadline() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := time.Now().Add(c.limit)
	if !c.given.IsZero() && c.given.Before(limit) {
		return c.given
	}
	return limit
}
