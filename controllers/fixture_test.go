package controllers

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

// gauge is the value of a gauge without labels.
func gauge(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// taken reports whether a request waits, and takes it.
func taken(requests <-chan struct{}) bool {
	select {
	case <-requests:
		return true
	default:
		return false
	}
}
