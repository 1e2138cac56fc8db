package metrics

import (
	"errors"
	"slices"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Build says which build this is.
func (m *Metrics) Build(version, commit, goVersion string) {
	if m != nil {
		m.build.WithLabelValues(version, commit, goVersion).Set(1)
	}
}

const (
	resultDone   = "done"
	resultFailed = "failed"
)

// Effect counts an effect that was carried out or, where err is not nil, has failed. Where the row or the container had
// changed before it, or the engine is already removing the container, it is neither.
func (m *Metrics) Effect(v verdict.Verdict, err error) {
	if m == nil || errors.Is(err, sessiondb.ErrConflict) || errors.Is(err, dockerwatch.ErrNotThere) ||
		errors.Is(err, dockerwatch.ErrRefused) {
		return
	}
	result := resultDone
	if err != nil {
		result = resultFailed
	}
	m.effects.WithLabelValues(string(v.Action), string(v.Reason), result).Inc()
}

func (m *Metrics) driftFound(reason verdict.Reason) {
	if m != nil {
		m.found.WithLabelValues(string(reason)).Inc()
		m.open.WithLabelValues(string(reason)).Inc()
	}
}

func (m *Metrics) driftOver(reason verdict.Reason) {
	if m != nil {
		m.converged.WithLabelValues(string(reason)).Inc()
		m.open.WithLabelValues(string(reason)).Dec()
	}
}

func (m *Metrics) loops(n int) {
	if m != nil {
		m.looping.Set(float64(n))
	}
}

// DeathToError takes how long a container was dead before its row said ERROR.
func (m *Metrics) DeathToError(after time.Duration) {
	if m != nil {
		m.deathToRow.Observe(max(0, after).Seconds())
	}
}

// Event counts an event of the engine. An action that the engine has made up is not counted.
func (m *Metrics) Event(action dockerwatch.Action) {
	if m != nil && slices.Contains(dockerwatch.Actions(), action) {
		m.events.WithLabelValues(string(action)).Inc()
	}
}

// Stream says whether the engine's event stream is connected; again counts it as a reconnection.
func (m *Metrics) Stream(up, again bool) {
	if m == nil {
		return
	}
	m.streamUp.Set(oneIf(up))
	if up && again {
		m.reconnected.Inc()
	}
}

// Feed says whether changes of rows are received.
func (m *Metrics) Feed(up bool) {
	if m != nil {
		m.feedUp.Set(oneIf(up))
	}
}

// EngineTrusted says whether the engine that answers is the one that is served.
func (m *Metrics) EngineTrusted(yes bool) {
	if m != nil {
		m.trusted.Set(oneIf(yes))
		m.refused.Set(oneIf(!yes))
	}
}

// Breaker says whether the breaker holds sessions, and whether it holds containers.
func (m *Metrics) Breaker(sessions, containers bool) {
	if m != nil {
		m.tripped.WithLabelValues("sessions").Set(oneIf(sessions))
		m.tripped.WithLabelValues("containers").Set(oneIf(containers))
	}
}

// Working says whether this process is the one that works, whether it only looks, and how often it sweeps.
func (m *Metrics) Working(leads, dryRun bool, resync time.Duration) {
	if m != nil {
		m.leader.Set(oneIf(leads))
		m.dryRun.Set(oneIf(dryRun))
		m.resync.Set(resync.Seconds())
	}
}

// Pause takes when the pause ends; the zero time says that there is none.
func (m *Metrics) Pause(until time.Time) {
	if m == nil {
		return
	}
	m.paused.Set(oneIf(!until.IsZero()))
	if until.IsZero() {
		m.pausedUntil.Set(0)
		return
	}
	m.pausedUntil.Set(float64(until.Unix()))
}

func oneIf(up bool) float64 {
	if up {
		return 1
	}
	return 0
}
