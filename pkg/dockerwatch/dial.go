package dockerwatch

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// connection is a connection to an engine that has said who it is, before any call goes over it.
//
// An address can lead to several engines: it may be a load balancer's, or a socket that another engine has bound since,
// while connections to the first one live on. Who answers on one connection says nothing about another one.
type connection struct {
	net.Conn

	engine Info
	// round is that of the engine's rounds in which it was dialled.
	round  int64
	rounds *atomic.Int64
}

var errGivenUp = errors.New("the connection was given up, its address may lead to another engine by now")

// Write fails without writing once the connection is given up: then the transport dials another one for the request.
func (c *connection) Write(p []byte) (int, error) {
	if c.round != c.rounds.Load() {
		return 0, errGivenUp
	}
	return c.Conn.Write(p) //nolint:wrapcheck // the transport tells the errors of connections apart
}

// dial makes a connection and asks on it which engine it leads to. It has the time-out of a call: a transport dials
// beside the call that needs the connection, and goes on when that one is given up.
func (e *Engine) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := e.identified(ctx, network, address)
	if err != nil {
		return nil, err // and not a nil pointer in it
	}
	return c, nil
}

func (e *Engine) identified(ctx context.Context, network, address string) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	round := e.rounds.Load()
	raw, err := e.connect(ctx, network, address)
	if err != nil {
		return nil, err
	}
	hangUp, conn := context.AfterFunc(ctx, func() { _ = raw.Close() }), raw
	if e.tls != nil {
		conn, err = secure(ctx, raw, e.tls, address)
	}
	var info Info
	if err == nil {
		info, err = e.identify(ctx, conn)
	}
	if !hangUp() {
		err = errors.Join(ctx.Err(), err)
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &connection{Conn: conn, engine: info, round: round, rounds: &e.rounds}, nil
}

// secure speaks TLS on a connection. It returns the connection also beside an error.
func secure(ctx context.Context, conn net.Conn, conf *tls.Config, address string) (net.Conn, error) {
	conf = conf.Clone()
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return conn, err //nolint:wrapcheck // callFailure says what was tried
	}
	conf.ServerName = host
	secured := tls.Client(conn, conf)
	return secured, secured.HandshakeContext(ctx) //nolint:wrapcheck // as above
}

// Info dials the engine and returns who it is and what time it has: that of the engine to which the address leads now,
// whatever the connections that are kept lead to. The clock's offset is taken at the end of the call: a slow answer
// makes the engine's clock look late, by the call's time at most, and no wait shorter.
func (e *Engine) Info(ctx context.Context) (Info, error) {
	c, err := e.identified(ctx, e.endpoint.scheme, e.endpoint.addr)
	if err != nil {
		a := answer{err: err}
		return Info{}, e.away(a, e.callFailure(ctx, opIdentify, e.timeout, http.StatusOK, a, err))
	}
	_ = c.Close()
	return c.engine, nil
}

// withConnection returns a context whose exchanges note the engine at the end of the connection that they use.
func withConnection(ctx context.Context, a *answer) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		if c, ok := got.Conn.(*connection); ok {
			a.engine = c.engine.Identity()
		}
	}})
}
