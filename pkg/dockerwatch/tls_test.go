package dockerwatch_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// serveTCP serves handler on a loopback port.
func serveTCP(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what some tests are about
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// toRealEngine passes everything on to the engine that all tests share.
func toRealEngine(t *testing.T) http.Handler {
	t.Helper()
	socket := strings.TrimPrefix(testenv.DockerHost(t), "unix://")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "docker"}) },
	}
}

// authority issues certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{t: t, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}}
	a.key = newKey(t)
	a.cert = parse(t, sign(t, a.cert, a.cert, &a.key.PublicKey, a.key))
	return a
}

// issue returns a certificate for 127.0.0.1 that serves servers and clients alike.
func (a authority) issue() tls.Certificate {
	a.t.Helper()
	key := newKey(a.t)
	der := sign(a.t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// dir writes what the docker command wants in DOCKER_CERT_PATH. Without a client certificate there is only ca.pem.
func (a authority) dir(client *tls.Certificate) string {
	a.t.Helper()
	dir := a.t.TempDir()
	write := func(name, kind string, der []byte) {
		data := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	write("ca.pem", "CERTIFICATE", a.cert.Raw)
	if client != nil {
		key, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
		if err != nil {
			a.t.Fatal(err)
		}
		write("cert.pem", "CERTIFICATE", client.Certificate[0])
		write("key.pem", "PRIVATE KEY", key)
	}
	return dir
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, cert, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func parse(t *testing.T, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestTLS calls the real engine through a server that wants TLS and a client certificate, as dockerd --tlsverify does.
func TestTLS(t *testing.T) {
	t.Parallel()

	ours, strangers := newAuthority(t), newAuthority(t)
	server := httptest.NewUnstartedServer(toRealEngine(t))
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	server.TLS = &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{ours.issue()},
		ClientCAs:    pool,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	client := ours.issue()
	whole, noClient, wrongCA := ours.dir(&client), ours.dir(nil), strangers.dir(&client)
	plain := serveTCP(t, toRealEngine(t).ServeHTTP)

	cases := []struct {
		reason string
		server *httptest.Server
		env    map[string]string
		says   string // part of the error; empty: it works
	}{
		{"everything is there", server, map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": whole}, ""},
		{
			"any value turns verification on",
			server, map[string]string{"DOCKER_TLS_VERIFY": "0", "DOCKER_CERT_PATH": whole}, "",
		},
		{
			"the docker command's directory will do",
			server, map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": whole}, "",
		},
		{"DOCKER_TLS does not verify", server, map[string]string{"DOCKER_TLS": "1", "DOCKER_CERT_PATH": wrongCA}, ""},
		{
			"a strange authority",
			server, map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": wrongCA}, "not signed by ca.pem",
		},
		{
			"a value of 0 verifies all the same",
			server, map[string]string{"DOCKER_TLS_VERIFY": "0", "DOCKER_CERT_PATH": wrongCA}, "not signed by ca.pem",
		},
		{
			"no client certificate",
			server, map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": noClient}, "cert.pem and key.pem",
		},
		{
			"DOCKER_CERT_PATH alone turns nothing on",
			server, map[string]string{"DOCKER_CERT_PATH": whole}, "set DOCKER_TLS_VERIFY",
		},
		{"no TLS at all", plain, nil, ""},
		{
			"TLS to a port without",
			plain, map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": whole}, "does not speak TLS",
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			engine := open(t, dockerwatch.Config{
				Host: "tcp://" + c.server.Listener.Addr().String(), Timeout: patience, Getenv: environment(c.env),
			})
			info, err := engine.Info(t.Context())
			if c.says == "" {
				if err != nil || info.ID == "" {
					t.Errorf("Info = %+v, %v", info, err)
				}
				return
			}
			isOnly(t, err, dockerwatch.ErrUnreachable)
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %q, want it to say %q", err, c.says)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()

	empty := t.TempDir()
	cases := []struct {
		reason string
		cfg    dockerwatch.Config
		says   string
	}{
		{"no certificates", dockerwatch.Config{Host: "tcp://h", Getenv: environment(map[string]string{
			"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": empty,
		})}, empty},
		{
			"no API version",
			dockerwatch.Config{Getenv: environment(map[string]string{"DOCKER_API_VERSION": "latest"})}, `"latest"`,
		},
		{
			"a host in the environment",
			dockerwatch.Config{Getenv: environment(map[string]string{"DOCKER_HOST": "ssh://me@h"})}, "ssh://",
		},
		{"a socket that no system can open", dockerwatch.Config{Host: "unix:///" + strings.Repeat("x", 200)}, "too long"},
		{"a negative time-out", dockerwatch.Config{Timeout: -1}, "negative"},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			if c.cfg.Getenv == nil {
				c.cfg.Getenv = noEnvironment
			}
			engine, err := dockerwatch.New(c.cfg)
			if err == nil || engine != nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("New = %v, %v, want an error that says %q", engine, err, c.says)
			}
		})
	}
}

func TestHost(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		host   string
		env    map[string]string
		want   string
	}{
		{"the default", "", nil, "unix:///var/run/docker.sock"},
		{"the environment's", "", map[string]string{"DOCKER_HOST": "tcp://e:1"}, "tcp://e:1"},
		{"the configured one comes first", "tcp://c:1", map[string]string{"DOCKER_HOST": "tcp://e:1"}, "tcp://c:1"},
		{
			"with TLS the docker command's default is a port",
			"", map[string]string{"DOCKER_TLS": "1", "DOCKER_CERT_PATH": "/nonexistent"}, "tcp://localhost:2376",
		},
		{
			"a socket needs no certificates",
			"unix:///s", map[string]string{"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/nonexistent"}, "unix:///s",
		},
		{"no user information", "tcp://me:hunter2@h:1", nil, "tcp://h:1"},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			if got := open(t, dockerwatch.Config{Host: c.host, Getenv: environment(c.env)}).Host(); got != c.want {
				t.Errorf("Host = %q, want %q", got, c.want)
			}
		})
	}
}
