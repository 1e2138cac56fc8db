package e2e

import (
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/session-controller/session-controller/test/testenv"
)

// network is the way to a server, which can be disturbed.
type network struct {
	testing.TB

	proxy *toxiproxy.Proxy
}

// networkTo begins a way to a TCP address; it ends with the test.
func networkTo(t testing.TB, server string) *network {
	t.Helper()
	host := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	n := &network{t, toxiproxy.NewProxy(host, t.Name(), "127.0.0.1:0", server)}
	if err := n.proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.proxy.Toxics.ResetToxics(context.WithoutCancel(t.Context())) // what is held back could not end
		n.proxy.Stop()
	})
	return n
}

// to is the address at this end of the way.
func (n *network) to() string { return n.proxy.Listen }

// poison adds one of toxiproxy's toxics, in its own words.
func (n *network) poison(toxics ...string) {
	n.Helper()
	for _, toxic := range toxics {
		if _, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			n.Fatalf("add the toxic %s: %v", toxic, err)
		}
	}
}

// heal takes all toxics away again. Connections on which something was lost are closed by it.
func (n *network) heal() {
	n.Helper()
	n.proxy.Toxics.ResetToxics(n.Context())
}

// cut closes every connection and takes no new one until it is mended.
func (n *network) cut() { n.proxy.Stop() }

func (n *network) mend() {
	n.Helper()
	if err := n.proxy.Start(); err != nil {
		n.Fatal(err)
	}
}

// engineOverTCP is the engine that all tests share at a TCP address of this machine, for as long as the test runs.
func engineOverTCP(t testing.TB) (address string) {
	t.Helper()
	socket, ok := strings.CutPrefix(testenv.DockerHost(t), "unix://")
	if !ok {
		return strings.TrimPrefix(testenv.DockerHost(t), "tcp://")
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var carriers sync.WaitGroup
	carriers.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			carriers.Go(func() { relay(ctx, client, socket) })
		}
	})
	t.Cleanup(func() {
		cancel()
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		carriers.Wait()
	})
	return listener.Addr().String()
}

// relay carries one connection on to a Unix socket until either end closes it, or ctx ends.
func relay(ctx context.Context, client net.Conn, socket string) {
	defer func() { _ = client.Close() }()
	server, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return
	}
	both := func() { _, _ = client.Close(), server.Close() }
	defer context.AfterFunc(ctx, both)()
	var directions sync.WaitGroup
	for from, into := range map[net.Conn]net.Conn{client: server, server: client} {
		directions.Go(func() {
			defer both()
			_, _ = io.Copy(into, from) // it ends with an error when the other direction has ended first
		})
	}
	directions.Wait()
}

// hostOf is the server of a database URL, and throughHost the same URL with another.
func hostOf(t testing.TB, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal("the test database's URL cannot be parsed") // the error quotes its password
	}
	return u.Host
}

func throughHost(t testing.TB, database, host string) string {
	t.Helper()
	return strings.Replace(database, "@"+hostOf(t, database)+"/", "@"+host+"/", 1)
}
