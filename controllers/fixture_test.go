package controllers

import (
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

const (
	thisID  = "1111111111111111111111111111111111111111111111111111111111111111"
	otherID = "2222222222222222222222222222222222222222222222222222222222222222"
	session = "s1"
)

// noon is the engine's clock.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// sessionReconciler reconciles sessions.
type sessionReconciler = reconciler[verdict.SessionKey, verdict.SessionFacts]

// taken reports whether a request waits, and takes it.
func taken(requests <-chan struct{}) bool {
	select {
	case <-requests:
		return true
	default:
		return false
	}
}
