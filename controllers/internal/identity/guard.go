// Package identity makes sure that the engine which answers is the one that is served, and knows its time.
package identity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// ErrNotTrusted says that the engine is not known to be the one that is served: nothing is looked at or done.
var ErrNotTrusted = errors.New("the engine is not trusted")

// Records is where the identity of the engine that is served is remembered. [sessiondb.Ledger] is one.
type Records interface {
	// RememberedEngine returns the identity, or "" when none is remembered. This and the others return
	// [sessiondb.ErrNoLedger] when there is no place to remember one any more.
	RememberedEngine(ctx context.Context) (string, error)
	// RememberEngine remembers an identity in place of previous, or returns [sessiondb.ErrConflict] when another one is
	// remembered by now. An identity that another node has is an error.
	RememberEngine(ctx context.Context, identity, previous string) error
	// EngineFree returns an error when another node has the identity.
	EngineFree(ctx context.Context, identity string) error
}

// Engine is what the guard needs of the Docker Engine. [dockerwatch.Engine] is one.
type Engine interface {
	// Host names the engine in errors.
	Host() string
	// DropConnections gives up all connections, so that the next calls go where the address leads by now.
	DropConnections()
	// Info asks the engine to which the address leads now who it is.
	Info(ctx context.Context) (dockerwatch.Info, error)
}

// Guard makes sure that the engine that answers is the one that is served: another one has other containers, and
// every session would look dead. It is safe for concurrent use.
type Guard struct {
	engine   Engine
	clock    clock
	records  Records // nil: only this process remembers
	pin      string
	dryRun   bool
	metrics  *metrics.Metrics
	log      logr.Logger
	requests *requests.Requests

	mu          sync.Mutex
	answered    string // the identity of the engine that answered last; empty when none has
	accepted    string // the identity that is served; empty when none is
	last        string // the last one that was, for where there is no record of it
	recordError string // why there are no records any more, as it was logged last; empty where there are
	refusal     error
}

var errNoSweepYet = fmt.Errorf("%w: no sweep has looked at it yet", ErrNotTrusted)

// Options are what a guard is built from.
type Options struct {
	Engine Engine
	// Records is where the identity is remembered; if nil, only this process remembers it.
	Records Records
	// Pin, where it is not empty, is the only engine to serve.
	Pin string
	// DryRun remembers nothing.
	DryRun bool
	// Requests is asked for a sweep and to dial the event stream anew when another engine answers than the one before, the
	// served one again included, and when the clock of the served one was set.
	Requests *requests.Requests
	// Metrics may be nil.
	Metrics *metrics.Metrics
	Log     logr.Logger
}

// New returns a guard that trusts no engine until a sweep has found one.
func New(o Options) *Guard {
	return &Guard{
		engine: o.Engine, records: o.Records, pin: o.Pin, dryRun: o.DryRun, metrics: o.Metrics, log: o.Log,
		requests: o.Requests, refusal: errNoSweepYet,
	}
}

// Trusted returns nil while the engine is the one that is served, else why it is not known to be.
func (g *Guard) Trusted() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refusal
}

// Served is the identity of the engine that is served, or "" while none is.
func (g *Guard) Served() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accepted
}

// Saw notes which engine has answered, and whether its clock was found to have been set. The connections to another one
// than the served one are given up: as long as they are kept and used, they do not lead where the address does.
func (g *Guard) Saw(identity string, clockSet bool) {
	g.mu.Lock()
	another := g.answered != "" && g.answered != identity
	g.answered = identity
	served := g.accepted == identity
	g.mu.Unlock()
	if !served {
		g.engine.DropConnections()
	}
	if another || clockSet {
		g.requests.Sweep()
		g.requests.Redial()
	}
}

// Now returns the time that the served engine has. An error says that it is not known, and nothing may be decided then.
func (g *Guard) Now() (time.Time, error) { return g.clock.now() }
