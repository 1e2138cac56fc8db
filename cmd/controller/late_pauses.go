package main

import (
	"context"
	"errors"
	"sync"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// latePauses are the pauses of a controller that was started before its own tables were made: `pause` itself may make
// them, and a pause that is not obeyed would be worse than none. It is safe for concurrent use.
type latePauses struct {
	store *sessiondb.Store
	log   logr.Logger

	mu     sync.Mutex
	ledger *sessiondb.Ledger // nil until the tables are there
	denied bool              // it was said that they are, and are not this role's
}

// Paused returns the last pause, the zero value while there are no tables, or none that this role may use.
func (l *latePauses) Paused(ctx context.Context) (sessiondb.Pause, error) {
	ledger, err := l.open(ctx)
	if errors.Is(err, sessiondb.ErrNoLedger) {
		return sessiondb.Pause{}, nil
	}
	if err != nil {
		return sessiondb.Pause{}, err
	}
	return ledger.Paused(ctx)
}

func (l *latePauses) open(ctx context.Context) (*sessiondb.Ledger, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ledger != nil {
		return l.ledger, nil
	}
	ledger, err := l.store.OpenLedger(ctx, false)
	if denied := errors.Is(err, sessiondb.ErrLedgerDenied); denied && !l.denied {
		l.denied = true
		l.log.Error(err, "Pause record unreadable, a pause would not be obeyed")
	}
	if err != nil {
		return nil, err
	}
	l.ledger = ledger
	l.log.Info("The controller's own tables are there by now: pauses are obeyed; restart it where the engine's identity " +
		"is to be remembered, too")
	return ledger, nil
}

// close closes what was opened.
func (l *latePauses) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ledger != nil {
		_ = l.ledger.Close()
	}
}
