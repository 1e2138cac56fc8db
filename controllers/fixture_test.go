package controllers

import (
	"context"
	"time"

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
