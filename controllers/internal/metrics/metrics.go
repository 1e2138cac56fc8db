package metrics

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// prefix begins the name of every family.
const prefix = "session_controller_"

// Metrics are the controller's own figures. A nil *Metrics counts nothing.
type Metrics struct {
	effects     *prometheus.CounterVec
	found       *prometheus.CounterVec
	converged   *prometheus.CounterVec
	open        *prometheus.GaugeVec
	looping     prometheus.Gauge
	deathToRow  prometheus.Histogram
	events      *prometheus.CounterVec
	streamUp    prometheus.Gauge
	reconnected prometheus.Counter
	feedUp      prometheus.Gauge
	trusted     prometheus.Gauge
	refused     prometheus.Gauge
	tripped     *prometheus.GaugeVec
	leader      prometheus.Gauge
	dryRun      prometheus.Gauge
	resync      prometheus.Gauge
	paused      prometheus.Gauge
	pausedUntil prometheus.Gauge
	build       *prometheus.GaugeVec
	sweeps      sweepMetrics
}

// New registers the controller's metrics with reg, all with the prefix session_controller_. Every family is there from
// the first scrape, and every label value that is possible: statuses are those that the configuration knows. An error
// says which metrics could not be registered.
func New(reg prometheus.Registerer, statuses []string) (*Metrics, error) {
	r := registry{reg: reg}
	m := &Metrics{
		effects: r.counters("effects_total",
			"Effects carried out, by action, reason and result (done or failed).", "action", "reason", "result"),
		found:     r.counters("drift_found_total", "Drifts that were found, each counted once, by reason.", "reason"),
		converged: r.counters("drift_converged_total", "Drifts that are over, whatever ended them, by reason.", "reason"),
		open: r.gauges("drift_open",
			"Drifts that were found and are not over: inside a grace, held, or tried again, by reason.", "reason"),
		looping: r.gauge("crash_loops", "Live sessions whose container its restart policy keeps restarting."),
		deathToRow: register(&r, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    prefix + "death_to_error_seconds",
			Help:    "From the end of a container, on the engine's clock, until its row said ERROR; graces included.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300},
		})),
		events: r.counters("events_received_total", "Container events that the engine sent, by action.", "action"),
		streamUp: r.gauge("event_stream_connected",
			"1 while the engine's event stream is connected, else 0."),
		reconnected: r.counter("event_stream_reconnections_total",
			"Connections of the engine's event stream after the first."),
		feedUp: r.gauge("change_feed_connected",
			"1 while changes of rows are received, by notification or by polling, else 0."),
		trusted: r.gauge("engine_trusted",
			"1 while the engine that answers is the one that is served, else 0 and nothing is done."),
		refused: r.gauge("engine_refused",
			"1 while an engine answers that is not the one which is served, else 0; before the first sweep neither is known."),
		tripped: r.gauges("breaker_tripped",
			"1 while the breaker holds what would hit too many sessions or containers, else 0.", "kind"),
		leader:      r.gauge("leader", "1 where this process works, 0 while it waits for the lease of another replica."),
		dryRun:      r.gauge("dry_run", "1 where nothing is written because of dryRun, else 0."),
		resync:      r.gauge("resync_period_seconds", "Time between two sweeps, as configured."),
		paused:      r.gauge("paused", "1 while an operator has paused every effect, else 0."),
		pausedUntil: r.gauge("paused_until_timestamp_seconds", "When the pause ends, in seconds since 1970; 0 without one."),
		build:       r.gauges("build_info", "1, with what was built.", "version", "commit", "goversion"),
		sweeps:      newSweepMetrics(&r, statuses),
	}
	m.fill()
	return m, errors.Join(r.problems...)
}

// fill makes every possible child, so that a rate is known from the first scrape on.
func (m *Metrics) fill() {
	for _, p := range verdict.Effects() {
		for _, result := range []string{resultDone, resultFailed} {
			m.effects.WithLabelValues(string(p.Action), string(p.Reason), result)
		}
	}
	for _, reason := range verdict.DriftReasons() {
		m.found.WithLabelValues(string(reason))
		m.converged.WithLabelValues(string(reason))
		m.open.WithLabelValues(string(reason))
	}
	for _, action := range dockerwatch.Actions() {
		m.events.WithLabelValues(string(action))
	}
	m.Breaker(false, false)
}
