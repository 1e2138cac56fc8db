package controllers

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/pause"
	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// What callers need of package verdict: the policy that they configure, and what plans and reports are made of.
type (
	// SessionKey is the key of the session controller: the session's id.
	SessionKey = verdict.SessionKey
	// ContainerKey is the key of the container controller: the container's full id.
	ContainerKey = verdict.ContainerKey
	// Policy is the `policy` section of the configuration.
	Policy = verdict.Policy
	// BreakerPolicy is the `policy.breaker` section of the configuration.
	BreakerPolicy = verdict.BreakerPolicy
	// SessionFacts are the fresh looks at one session and at what it claims.
	SessionFacts = verdict.SessionFacts
	// ContainerFacts are the fresh looks at one container that no row claims.
	ContainerFacts = verdict.ContainerFacts
	// Verdict is what is to be done about one session or container, and when.
	Verdict = verdict.Verdict
	// Reason names a disagreement between a row and its container.
	Reason = verdict.Reason
)

// The values of [Policy] that callers name.
const (
	CrashLoopReport = verdict.CrashLoopReport
	RemoveLabelled  = verdict.RemoveLabelled
	RemoveAll       = verdict.RemoveAll
	RemoveNone      = verdict.RemoveNone
)

// The verdicts that callers tell apart.
const (
	Stop            = verdict.Stop
	ContainerExited = verdict.ContainerExited
	SessionEnded    = verdict.SessionEnded
	BreakerTripped  = verdict.BreakerTripped
)

// DefaultPolicy returns the defaults of the configuration file.
func DefaultPolicy() Policy { return verdict.DefaultPolicy() }

// Sweep is what one sweep counted.
type Sweep = sweep.Result

// Metrics are the controller's own figures. A nil *Metrics counts nothing.
type Metrics = metrics.Metrics

// NewMetrics registers the controller's metrics with reg, all with the prefix session_controller_. statuses are those
// that the configuration knows. An error says which metrics could not be registered.
func NewMetrics(reg prometheus.Registerer, statuses []string) (*Metrics, error) {
	return metrics.New(reg, statuses)
}

// EngineRecords is where the identity of the engine that is served is remembered. [sessiondb.Ledger] is one.
type EngineRecords = identity.Records

// PauseRecords is where an operator's pause is kept. [sessiondb.Ledger] is one.
type PauseRecords = pause.Records
