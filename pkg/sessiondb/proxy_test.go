package sessiondb_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// proxy stands between a store and its server and can stop carrying anything, as a frozen server or a broken network
// does.
type proxy struct {
	t        *testing.T
	listener net.Listener
	server   string
	mu       sync.Mutex
	frozen   bool
	deaf     bool
	shut     bool
	conns    []net.Conn
	carriers sync.WaitGroup
}

// through puts a proxy before the database of f.
func through(t *testing.T, f *fixture) *proxy {
	t.Helper()
	u, err := url.Parse(f.config.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, server: u.Host, listener: listen(t)}
	if host := u.Query().Get("host"); host != "" {
		p.server = host + "/.s.PGSQL." + u.Port()
		if u.Port() == "" {
			p.server += "5432"
		}
		query := u.Query()
		query.Del("host")
		u.RawQuery = query.Encode()
	}
	u.Host = p.listener.Addr().String()
	query := u.Query()
	query.Set("sslmode", "disable")
	u.RawQuery = query.Encode()
	f.config.URL = u.String()
	p.carriers.Go(p.accept)
	t.Cleanup(func() {
		closed(t, p.listener)
		p.cut()
		p.carriers.Wait()
	})
	return p
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		shut, to := p.shut, p.server
		p.mu.Unlock()
		if shut {
			_ = client.Close()
			continue
		}
		network := "tcp"
		if strings.HasPrefix(to, "/") {
			network = "unix"
		}
		server, err := (&net.Dialer{}).DialContext(context.Background(), network, to)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.carriers.Go(func() { p.carry(client, server) })
		p.carriers.Go(func() { p.carry(server, client) })
	}
}

func (p *proxy) carry(from, to net.Conn) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		// Notifications come by themselves, so that one is the beginning of what was read.
		swallow := p.frozen || (p.deaf && buffer[0] == 'A')
		p.mu.Unlock()
		if swallow {
			continue // swallowed
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) freeze(frozen bool) {
	p.mu.Lock()
	p.frozen = frozen
	p.mu.Unlock()
}

// lead makes new connections lead to another server, as a name does after a failover.
func (p *proxy) lead(server string) (before string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, p.server = p.server, server
	return before
}

// close lets no new connection in, as a server whose connections are all taken; those that are there go on.
func (p *proxy) close(shut bool) {
	p.mu.Lock()
	p.shut = shut
	p.mu.Unlock()
}

// deafen swallows notifications.
func (p *proxy) deafen() {
	p.mu.Lock()
	p.deaf = true
	p.mu.Unlock()
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// refusing is a server that answers every connection with one error and closes it: the answers that a test server with
// its own settings cannot be brought to give.
func refusing(t *testing.T, code, message string) (host string) {
	t.Helper()
	l := listen(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			size := make([]byte, 4)
			if _, err := io.ReadFull(c, size); err == nil {
				_, _ = io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(size))-4)
			}
			fields := "SFATAL\x00C" + code + "\x00M" + message + "\x00\x00"
			length := byte(len(fields) + 4) //nolint:gosec // of a short text
			answer := []byte{'E', 0, 0, 0, length}
			if code == "" {
				answer, fields = []byte("N"), "" // no TLS here
			}
			_, _ = c.Write(append(answer, fields...))
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		closed(t, l)
		wg.Wait()
	})
	return l.Addr().String()
}

// openThrough opens a plain PostgreSQL table whose every connection runs through a proxy.
func openThrough(t *testing.T, timing sessiondb.Timing) (*fixture, *proxy) {
	t.Helper()
	f := create(t, plainOf(t, "postgres/plain"))
	f.config.Timing = timing
	p := through(t, f)
	var err error
	if f.store, err = sessiondb.Open(t.Context(), f.config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, f.store) })
	return f, p
}
