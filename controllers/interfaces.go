package controllers

import (
	"context"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// SessionStore is what the controllers need of the sessions table. [sessiondb.Store] is one.
type SessionStore interface {
	evidence.Store
	sweep.Store

	// UnknownStatuses counts the statuses that the configuration does not know.
	UnknownStatuses(ctx context.Context) ([]sessiondb.StatusCount, error)
	// Fail, SetClaim and Release are compare-and-set on all that row holds, or [sessiondb.ErrConflict].
	Fail(ctx context.Context, row sessiondb.Row, failure sessiondb.Failure) (sessiondb.Row, error)
	SetClaim(ctx context.Context, row sessiondb.Row, claim string) (sessiondb.Row, error)
	Release(ctx context.Context, row sessiondb.Row) (sessiondb.Row, error)
}

// Engine is what the controllers need of the Docker Engine. [dockerwatch.Engine] is one.
type Engine interface {
	identity.Engine
	identity.Looks

	Stop(ctx context.Context, id string, grace time.Duration) error
	Remove(ctx context.Context, id string, opts dockerwatch.RemoveOptions) error
	RemoveDead(ctx context.Context, id string, opts dockerwatch.RemoveOptions) error
	// Output returns the last lines of what a container wrote.
	Output(ctx context.Context, seen dockerwatch.Observation, lines int) ([]string, error)
}
