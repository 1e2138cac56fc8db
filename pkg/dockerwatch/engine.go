package dockerwatch

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api"
	"github.com/docker/docker/client"
	"github.com/docker/go-connections/sockets"
)

const (
	// defaultTimeout is far above what an engine needs (an inspect takes a millisecond, a list of 1,000 some 200) and far
	// below the shortest grace that would run out while waiting.
	defaultTimeout = 5 * time.Second
	// defaultConnections is the controller's default number of workers.
	defaultConnections = 16
	// idleTimeout outlives the default resync period (60 s), so that a quiet minute costs no new handshakes.
	idleTimeout = 90 * time.Second
)

// Config says where an engine is and how long to wait for it. The zero value is the engine that the docker command
// would use, except that its contexts (docker context use) are not looked at.
type Config struct {
	// Host is unix://PATH or tcp://HOST[:PORT]. Empty: DOCKER_HOST, then the docker command's default.
	Host string
	// Timeout bounds each call; a stop's grace is added to it. Zero: 5 seconds.
	Timeout time.Duration
	// Connections is how many idle connections are kept. Zero: 16. With fewer than there are workers they would dial
	// for every other call.
	Connections int
	// Dial, when it is set, makes the connections in place of the system's own dialler: through a tunnel, or to an engine
	// that a test serves in memory. The host still says which engine is meant.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Getenv looks up DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH, DOCKER_CONFIG, DOCKER_API_VERSION and
	// HOME. Nil: the process's environment.
	Getenv func(string) string
}

// Engine is one Docker Engine. It is safe for concurrent use. Every call is bounded by the configured time-out, and
// every error is one of those of this package, the caller's own context.Canceled, or a plain one for what the engine
// itself refused; none of them says anything about a container.
type Engine struct {
	endpoint  endpoint
	scheme    string // http or https
	timeout   time.Duration
	transport *http.Transport

	tls *tls.Config // nil without TLS
	// connect makes a connection, without TLS.
	connect func(ctx context.Context, network, address string) (net.Conn, error)
	// rounds counts how often all connections were given up.
	rounds atomic.Int64

	// current speaks the version that was agreed on at the last dial; nil before the first.
	current atomic.Pointer[client.Client]
	pinned  string // the version that DOCKER_API_VERSION names, which is never agreed on anew; else empty
}

// New returns the engine that cfg means. It reads certificates where TLS is asked for, and makes no connection.
func New(cfg Config) (*Engine, error) {
	getenv := cfg.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	if cfg.Timeout < 0 || cfg.Connections < 0 {
		return nil, errors.New("docker engine: the time-out and the number of connections cannot be negative")
	}
	security := securityFrom(getenv)
	fallback := defaultHost
	if security.enabled {
		fallback = defaultTLSHost // as the docker command does
	}
	where, err := parseHost(cmp.Or(cfg.Host, getenv("DOCKER_HOST"), fallback), security.enabled)
	if err != nil {
		return nil, err
	}
	e := &Engine{endpoint: where, scheme: "http", timeout: cmp.Or(cfg.Timeout, defaultTimeout)}
	if err := e.setTransport(security, cmp.Or(cfg.Connections, defaultConnections)); err != nil {
		return nil, err
	}
	if cfg.Dial != nil {
		e.connect = cfg.Dial
	}
	if version := strings.TrimPrefix(getenv("DOCKER_API_VERSION"), "v"); version != "" {
		if err := e.pin(version); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// Close gives up the connections. Calls that are under way are not ended: cancel their contexts.
func (e *Engine) Close() error {
	e.DropConnections()
	return nil
}

// DropConnections gives up all connections, so that the next calls dial anew: one that is kept leads to the engine that
// it was made to, whatever the address leads to by now. Calls that are under way end on theirs.
func (e *Engine) DropConnections() {
	e.rounds.Add(1)
	e.transport.CloseIdleConnections()
}

// Host is the engine's address for logs and errors. It never holds user information.
func (e *Engine) Host() string { return e.endpoint.host() }

// setTransport makes the one transport that all calls share, the event stream aside. It uses no proxy: one could not be
// asked which engine is behind it.
func (e *Engine) setTransport(security transportSecurity, connections int) error {
	e.transport = &http.Transport{
		MaxIdleConns:        connections,
		MaxIdleConnsPerHost: connections,
		IdleConnTimeout:     idleTimeout,
	}
	if security.enabled && !e.endpoint.socket() {
		conf, err := security.config()
		if err != nil {
			return err
		}
		e.tls, e.scheme = conf, "https"
	}
	if err := sockets.ConfigureTransport(e.transport, e.endpoint.scheme, e.endpoint.addr); err != nil {
		return fmt.Errorf("docker host %s: %w", e.Host(), err)
	}
	e.connect = e.transport.DialContext
	e.transport.Proxy, e.transport.DialContext, e.transport.DialTLSContext = nil, e.dial, e.dial
	return nil
}

// call runs one exchange: it agrees on a version where that is still due, sets the deadline and says what went wrong.
// want is the status of success. The answer is filled in as far as there was one, also beside an error.
func (e *Engine) call(
	ctx context.Context, op string, limit time.Duration, want int, do func(context.Context, *client.Client) error,
) (answer, error) {
	callCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	speaker, err := e.speaker(callCtx)
	if err != nil {
		return answer{}, e.callFailure(ctx, op, limit, want, answer{err: err}, err)
	}
	callCtx, got := withAnswer(callCtx)
	err = do(callCtx, speaker)
	if got.status == http.StatusBadRequest && e.pinned == "" {
		e.current.CompareAndSwap(speaker, nil) // the engine may have been replaced by one that does not speak this version
	}
	if err != nil {
		err = errors.Join(err, callCtx.Err()) // the client library drops the cause of a cut answer in places
	}
	return *got, e.away(*got, e.callFailure(ctx, op, limit, want, *got, err))
}

// away returns err. Where it says that no engine answered, the connections are given up: they may lead to a proxy, and
// the engine that it finds next may be another one.
func (e *Engine) away(a answer, err error) error {
	if errors.Is(err, ErrUnreachable) && a.message == "" {
		e.DropConnections()
	}
	return err
}

// fetch is [Engine.call] for what is only read: within the usual time, and with an answer.
func fetch[T any](
	ctx context.Context, e *Engine, op string, get func(context.Context, *client.Client) (T, error),
) (T, answer, error) {
	var result T
	got, err := e.call(ctx, op, e.timeout, http.StatusOK, func(ctx context.Context, api *client.Client) (err error) {
		result, err = get(ctx, api)
		return err
	})
	return result, got, err
}

// speaker returns a client that speaks a version which the engine knows: that of the connection that was dialled last.
func (e *Engine) speaker(ctx context.Context) (*client.Client, error) {
	if speaker := e.current.Load(); speaker != nil {
		return speaker, nil
	}
	conn, err := e.dial(ctx, e.endpoint.scheme, e.endpoint.addr)
	if err != nil {
		return nil, err
	}
	_ = conn.Close()
	return e.current.Load(), nil
}

// pin fixes the version, as DOCKER_API_VERSION does for the docker command.
func (e *Engine) pin(version string) error {
	if !versionPattern.MatchString(version) {
		return fmt.Errorf("DOCKER_API_VERSION: %q is no API version; give for example %s, or leave it unset",
			version, api.DefaultVersion)
	}
	speaker, err := e.clientOn(e.transport, version)
	if err != nil {
		return err
	}
	e.pinned = version
	e.current.Store(speaker)
	return nil
}

// clientOn returns a client on a transport with a fixed version, so that no call changes it under another one.
func (e *Engine) clientOn(transport *http.Transport, version string) (*client.Client, error) {
	speaker, err := client.NewClientWithOpts(
		client.WithHost(e.Host()), // before WithHTTPClient: it insists on configuring a plain transport
		client.WithHTTPClient(&http.Client{Transport: recorder{base: transport}, CheckRedirect: client.CheckRedirect}),
		client.WithScheme(e.scheme),
		client.WithVersion(version),
	)
	if err != nil {
		return nil, fmt.Errorf("docker host %s: %w", e.Host(), err)
	}
	return speaker, nil
}
