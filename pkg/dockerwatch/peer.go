package dockerwatch

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// peer is a connection that knows which engine is at its other end, once that engine has said so on it.
//
// A pool of connections can lead to several engines at once: the address may be a load balancer's, or a socket that
// another engine has bound since while the connections to the first one live on. Who answered one call then says
// nothing about who answers the next.
type peer struct {
	net.Conn

	identity atomic.Pointer[string]
}

// knowPeers makes every connection of a transport a peer.
func knowPeers(t *http.Transport) {
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &peer{Conn: conn}, nil
	}
}

// withPeer returns a context whose exchanges note the connection that they use.
func withPeer(ctx context.Context, a *answer) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		conn := got.Conn
		for { // TLS, and TLS through a proxy that speaks it
			wrapped, ok := conn.(interface{ NetConn() net.Conn })
			if !ok {
				break
			}
			conn = wrapped.NetConn()
		}
		a.peer, _ = conn.(*peer)
	}})
}

// learn notes who is at the other end. A connection that is kept by something in between can change its engine: the
// last word counts.
func (p *peer) learn(identity string) {
	if p != nil {
		p.identity.Store(&identity)
	}
}

// engine is who is at the other end, "" as long as that is not known.
func (p *peer) engine() string {
	if p == nil {
		return ""
	}
	if known := p.identity.Load(); known != nil {
		return *known
	}
	return ""
}

// introductions bounds how often an engine is asked who it is for the sake of one call. The connection that was used
// last is the one that is used next, so once is enough unless others take it in between: of 10,000 looks over new
// connections by 16 callers at once, one took more than four.
const introductions = 8

// introduced makes a call until its answer comes over a connection whose engine is known, and returns that engine's
// identity with the answer. It is empty only where something in between closes the connection after every answer, so
// that no engine can be asked.
func introduced[T any](
	ctx context.Context, e *Engine, op string, call func() (T, answer, error),
) (result T, engine string, err error) {
	for range introductions {
		result, got, err := call()
		if err != nil {
			return result, "", err
		}
		if got.peer.engine() == "" && !got.last {
			if _, err := e.Info(ctx); err != nil {
				return result, "", fmt.Errorf("%s: %w", op, err)
			}
		}
		if engine := got.peer.engine(); engine != "" || got.last {
			return result, engine, nil
		}
		// Another connection was asked.
	}
	return result, "", fmt.Errorf("%s: %w at %s: other calls took the connection before it could be asked whose it is",
		op, ErrUnreachable, e.Host())
}
