// Package apply carries out verdicts: one effect each, for both kinds, and logs what there was before and after. It
// decides nothing.
package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/pause"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Store is what effects need of the sessions table. [sessiondb.Store] is one.
type Store interface {
	Get(ctx context.Context, id string) (sessiondb.Row, error)
	Claimants(ctx context.Context, claims []string) ([]sessiondb.Row, error)
	// Fail, SetClaim and Release are compare-and-set on all that row holds, or [sessiondb.ErrConflict].
	Fail(ctx context.Context, row sessiondb.Row, failure sessiondb.Failure) (sessiondb.Row, error)
	SetClaim(ctx context.Context, row sessiondb.Row, claim string) (sessiondb.Row, error)
	Release(ctx context.Context, row sessiondb.Row) (sessiondb.Row, error)
}

// Engine is what effects need of the Docker Engine. [dockerwatch.Engine] is one.
type Engine interface {
	Stop(ctx context.Context, id string, grace time.Duration) error
	Remove(ctx context.Context, id string, opts dockerwatch.RemoveOptions) error
	RemoveDead(ctx context.Context, id string, opts dockerwatch.RemoveOptions) error
	// Output returns the last lines of what a container wrote.
	Output(ctx context.Context, seen dockerwatch.Observation, lines int) ([]string, error)
}

// Options are what effects are built from.
type Options struct {
	Store  Store
	Engine Engine
	Policy verdict.Policy
	// DryRun carries nothing out.
	DryRun bool
	// Gate stands before every effect.
	Gate *pause.Gate
	// Guard knows the engine's clock, and Looks who else claims a container.
	Guard *identity.Guard
	Looks *evidence.Sessions
	// SessionTracker and ContainerTracker remember what was logged, so that nothing is logged twice.
	SessionTracker   *evidence.SessionTracker
	ContainerTracker *evidence.ContainerTracker
	// Metrics may be nil.
	Metrics *metrics.Metrics
}

// New returns what carries out verdicts about sessions and about containers, and the stopper that both share.
func New(o Options) (*Sessions, *Containers, *Stopper) {
	stopper, ends := newStopper(o.Engine, o.Metrics), newPostMortems(o.Engine, o.Policy.KeepLogs)
	gate := effectGate{o.DryRun, o.Gate}
	sessions := &Sessions{
		store: o.Store, engine: o.Engine, policy: o.Policy, gate: gate, stopper: stopper, locks: newContainerLocks(),
		looks: o.Looks, tracker: o.SessionTracker, metrics: o.Metrics, guard: o.Guard, ends: ends,
	}
	containers := &Containers{
		store: o.Store, engine: o.Engine, policy: o.Policy, gate: gate, stopper: stopper, tracker: o.ContainerTracker,
		metrics: o.Metrics, ends: ends,
	}
	return sessions, containers, stopper
}

var (
	// ErrStopping says that a stop was begun and its end will put the key back.
	ErrStopping = errors.New("the container is being stopped")
	// ErrBusy says that others must be done first, as many stops as are allowed: look again in a moment.
	ErrBusy = errors.New("others are under way, it will be tried again in a moment")
	// errEnding says that no stop begins any more because the process ends; the next one finds the container.
	errEnding = fmt.Errorf("the controller is ending: %w", context.Canceled)
	// ErrDryRun says that nothing was done because nothing may be.
	ErrDryRun = errors.New("dry run")
)
