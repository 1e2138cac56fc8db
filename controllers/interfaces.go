package controllers

import (
	"context"
	"iter"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// SessionStore is what the controllers need of the sessions table. [sessiondb.Store] is one.
type SessionStore interface {
	// Get returns the row, of whatever node, or [sessiondb.ErrNotFound], which is also [sessiondb.ErrImpossibleID] where
	// no row can have such an id.
	Get(ctx context.Context, id string) (sessiondb.Row, error)
	// Claiming streams the rows that claim something, in one query.
	Claiming(ctx context.Context) iter.Seq2[sessiondb.Row, error]
	// Claimants returns the rows whose claim is one of these strings.
	Claimants(ctx context.Context, claims []string) ([]sessiondb.Row, error)
	// UnknownStatuses counts the statuses that the configuration does not know.
	UnknownStatuses(ctx context.Context) ([]sessiondb.StatusCount, error)
	// HasRows reports whether the table has any row at all.
	HasRows(ctx context.Context) (bool, error)
	// Serves reports whether a row is of this controller's node.
	Serves(row sessiondb.Row) bool
	// ReusableIDs reports whether an id can be given to another session later.
	ReusableIDs() bool
	// Fail, SetClaim and Release are compare-and-set on all that row holds, or [sessiondb.ErrConflict].
	Fail(ctx context.Context, row sessiondb.Row, failure sessiondb.Failure) (sessiondb.Row, error)
	SetClaim(ctx context.Context, row sessiondb.Row, claim string) (sessiondb.Row, error)
	Release(ctx context.Context, row sessiondb.Row) (sessiondb.Row, error)
}

// Engine is what the controllers need of the Docker Engine. [dockerwatch.Engine] is one.
type Engine interface {
	// Host names the engine in logs.
	Host() string
	// DropIdle closes the connections that no call uses, so that the next calls go where the address leads by now.
	DropIdle()
	Info(ctx context.Context) (dockerwatch.Info, error)
	List(ctx context.Context) (dockerwatch.Listing, error)
	// ListRunning lists the containers that run and whose session label has this value, or any value where it is empty.
	ListRunning(ctx context.Context, o dockerwatch.Ownership, session string) (dockerwatch.Listing, error)
	Observe(ctx context.Context, claim string) (dockerwatch.Observation, error)
	Stop(ctx context.Context, id string, grace time.Duration) error
	Remove(ctx context.Context, id string, opts dockerwatch.RemoveOptions) error
	RemoveDead(ctx context.Context, id string, opts dockerwatch.RemoveOptions) error
	// Output returns the last lines of what a container wrote.
	Output(ctx context.Context, seen dockerwatch.Observation, lines int) ([]string, error)
}

// History is what the event stream remembers. [dockerwatch.History] is one.
type History interface {
	Evidence(id string, startedAt time.Time) dockerwatch.Evidence
	NameEvidence(name, id string, since time.Time) dockerwatch.Evidence
	Runs(id string, looked time.Time)
	Prune(listed func(id string) bool)
}
