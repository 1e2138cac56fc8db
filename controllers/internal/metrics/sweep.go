package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// sweepMetrics are what the last complete sweep counted, and how sweeps go.
type sweepMetrics struct {
	ended    prometheus.Gauge
	took     prometheus.Gauge
	failures prometheus.Counter
	// last is when the last complete sweep ended, or when there was none yet: when this began. Shared with the gauge of
	// the age, which is computed when it is asked for.
	last *atomic.Pointer[time.Time]

	sessions  *prometheus.GaugeVec
	statuses  []string
	live      prometheus.Gauge
	unknown   prometheus.Gauge
	invalid   prometheus.Gauge
	taken     prometheus.Gauge
	foreign   prometheus.Gauge
	all       prometheus.Gauge
	owned     prometheus.Gauge
	unclaimed prometheus.Gauge
	claimed   prometheus.Gauge
}

func newSweepMetrics(r *registry, statuses []string) sweepMetrics {
	last := &atomic.Pointer[time.Time]{}
	last.Store(new(time.Now()))
	register(r, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: prefix + "last_sweep_age_seconds",
		Help: "Time since the last complete sweep ended; before the first, since the process began.",
	}, func() float64 { return time.Since(*last.Load()).Seconds() }))
	s := sweepMetrics{
		last: last,
		ended: r.gauge("last_sweep_timestamp_seconds",
			"When the last complete sweep ended, in seconds since 1970; 0 before the first."),
		took:     r.gauge("last_sweep_duration_seconds", "How long the last complete sweep took."),
		failures: r.counter("sweep_failures_total", "Sweeps that ended in an error of the engine or the database."),
		sessions: r.gauges("sessions",
			"Rows that claim a container, by status, at the last complete sweep.", "status"),
		statuses: statuses,
		live:     r.gauge("sessions_live", "Live rows that claim a container, at the last complete sweep."),
		unknown: r.gauge("sessions_unknown_status",
			"Rows that claim a container and have a status that the configuration does not know."),
		invalid: r.gauge("claims_invalid", "Rows whose claim can name no container."),
		taken:   r.gauge("claims_taken", "Live rows that claim a container labelled with another session."),
		foreign: r.gauge("claims_foreign", "Ended rows that claim a container which is not owned."),
		all:     r.gauge("containers", "Containers on the engine, ours or not."),
		owned:   r.gauge("containers_owned", "Containers that are owned, by label or name."),
		unclaimed: r.gauge("containers_unclaimed",
			"Owned containers that no row claims."),
		claimed: r.gauge("containers_foreign_claimed", "Containers that a row claims and that are not owned."),
	}
	for _, status := range statuses {
		s.sessions.WithLabelValues(status)
	}
	return s
}

// Sweep is what the gauges show of a complete sweep. Each count is documented by its gauge.
type Sweep struct {
	// Took is how long the sweep took.
	Took time.Duration
	// Statuses counts the rows that claim a container by status.
	Statuses map[string]int
	// Live, UnknownStatus, Invalid, Taken and Foreign count rows.
	Live, UnknownStatus, Invalid, Taken, Foreign int
	// Containers, Owned, Unclaimed and ForeignClaimed count containers.
	Containers, Owned, Unclaimed, ForeignClaimed int
}

// SweepFailed counts a sweep that failed.
func (m *Metrics) SweepFailed() {
	if m != nil {
		m.sweeps.failures.Inc()
	}
}

// Swept takes what a complete sweep counted.
func (m *Metrics) Swept(counted Sweep) {
	if m == nil {
		return
	}
	s := &m.sweeps
	s.took.Set(counted.Took.Seconds())
	s.ended.SetToCurrentTime()
	s.last.Store(new(time.Now()))
	for _, status := range s.statuses {
		s.sessions.WithLabelValues(status).Set(float64(counted.Statuses[status]))
	}
	s.live.Set(float64(counted.Live))
	s.unknown.Set(float64(counted.UnknownStatus))
	s.invalid.Set(float64(counted.Invalid))
	s.taken.Set(float64(counted.Taken))
	s.foreign.Set(float64(counted.Foreign))
	s.all.Set(float64(counted.Containers))
	s.owned.Set(float64(counted.Owned))
	s.unclaimed.Set(float64(counted.Unclaimed))
	s.claimed.Set(float64(counted.ForeignClaimed))
}
