package dockerwatch

import (
	"context"
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
