package controllers

import (
	"context"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

const (
	thisID  = "1111111111111111111111111111111111111111111111111111111111111111"
	otherID = "2222222222222222222222222222222222222222222222222222222222222222"
	session = "s1"
)

// sessionReconciler reconciles sessions.
type sessionReconciler = reconciler[verdict.SessionKey, verdict.SessionFacts]

// noQueue takes keys and forgets them.
type noQueue struct{}

func (noQueue) stopEnded(verdict.SessionKey, time.Duration) {}

func (noQueue) fresh(context.Context, verdict.SessionKey) error { return nil }

// takesWaits notes how long the keys of ended stops wait.
type takesWaits struct {
	noQueue

	waits *[]time.Duration
}

func (q takesWaits) stopEnded(_ verdict.SessionKey, after time.Duration) {
	*q.waits = append(*q.waits, after)
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual time
}

// newSubject returns sessions without an engine or a table.
func newSubject() *sessionSubject {
	c := newCore(Options{Policy: verdict.DefaultPolicy(), Log: logr.Discard()})
	return &sessionSubject{
		Sessions: c.sessionEffects, looks: c.sessionLooks, policy: c.Policy, tracker: c.sessionTracker, history: c.history,
		containers: c.containerTracker,
	}
}
