// Package evidence takes the fresh looks that verdicts are made from, in the order that makes them safe, and remembers
// what was seen before. A look changes nothing: what it saw is recorded by the trackers when it has ended.
package evidence

import (
	"context"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/breaker"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Store is what looks need of the sessions table. [sessiondb.Store] is one.
type Store interface {
	// Get returns the row, of whatever node, or [sessiondb.ErrNotFound], which is also [sessiondb.ErrImpossibleID] where
	// no row can have such an id.
	Get(ctx context.Context, id string) (sessiondb.Row, error)
	// Claimants returns the rows whose claim is one of these strings.
	Claimants(ctx context.Context, claims []string) ([]sessiondb.Row, error)
	// HasRows reports whether the table has any row at all.
	HasRows(ctx context.Context) (bool, error)
	// Serves reports whether a row is of this controller's node.
	Serves(row sessiondb.Row) bool
	// ReusableIDs reports whether an id can be given to another session later.
	ReusableIDs() bool
}

// History is what the event stream has told. [dockerwatch.History] is one.
type History interface {
	// Evidence returns what was heard of a container since its start; startedAt is zero where no start is known.
	Evidence(id string, startedAt time.Time) dockerwatch.Evidence
	// NameEvidence is Evidence for a claim by name that was seen to mean a container by a look that began at since.
	NameEvidence(claim, id string, since time.Time) dockerwatch.Evidence
}

// Options are what looks are built from.
type Options struct {
	Store     Store
	Engine    identity.Looks
	Guard     *identity.Guard
	Breaker   *breaker.Breaker
	History   History
	Ownership dockerwatch.Ownership
	Policy    verdict.Policy
	// SessionTracker and ContainerTracker remember what looks before have seen.
	SessionTracker   *SessionTracker
	ContainerTracker *ContainerTracker
}

// New returns the looks at sessions and at containers.
func New(o Options) (*Sessions, *Containers) {
	candidates := newCandidates(o)
	sessions := &Sessions{
		store: o.Store, engine: o.Engine, guard: o.Guard, breaker: o.Breaker, history: o.History, ownership: o.Ownership,
		tracker: o.SessionTracker, candidates: candidates,
	}
	containers := &Containers{
		store: o.Store, engine: o.Engine, guard: o.Guard, breaker: o.Breaker, ownership: o.Ownership, policy: o.Policy,
		tracker: o.ContainerTracker, candidates: candidates,
	}
	return sessions, containers
}

// Listed tells the looks how many containers run, as a list of all has shown.
func (l *Sessions) Listed(running int) { l.candidates.population.Store(int64(running)) }

// Wait returns when no call is under way that several looks shared, and that went on when all of them gave up.
func (l *Sessions) Wait() { l.candidates.lists.Wait() }
