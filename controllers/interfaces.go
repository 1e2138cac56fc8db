package controllers

import (
	"context"

	"github.com/session-controller/session-controller/controllers/internal/apply"
	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// SessionStore is what the controllers need of the sessions table. [sessiondb.Store] is one.
type SessionStore interface {
	sweep.Store
	evidence.Store
	apply.Store

	// UnknownStatuses counts the statuses that the configuration does not know.
	UnknownStatuses(ctx context.Context) ([]sessiondb.StatusCount, error)
}

// Engine is what the controllers need of the Docker Engine. [dockerwatch.Engine] is one.
type Engine interface {
	identity.Engine
	identity.Looks
	apply.Engine
}
