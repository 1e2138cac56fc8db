package controllers

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// Metrics are the controller's own figures. A nil *Metrics counts nothing.
type Metrics struct {
	effects    *prometheus.CounterVec
	lastSweep  prometheus.Gauge
	sweepTook  prometheus.Gauge
	sweepFails prometheus.Counter
	streamUp   prometheus.Gauge
	feedUp     prometheus.Gauge
	trusted    prometheus.Gauge
	tripped    *prometheus.GaugeVec
}

// NewMetrics registers the controller's metrics, all with the prefix session_controller_.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		effects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "session_controller_effects_total",
			Help: "Effects carried out, by action, reason and result (done or failed).",
		}, []string{"action", "reason", "result"}),
		lastSweep: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "session_controller_last_sweep_timestamp_seconds",
			Help: "When the last complete sweep ended, in seconds since 1970; 0 before the first.",
		}),
		sweepTook: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "session_controller_last_sweep_duration_seconds",
			Help: "How long the last complete sweep took.",
		}),
		sweepFails: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "session_controller_sweep_failures_total",
			Help: "Sweeps that ended in an error of the engine or the database.",
		}),
		streamUp: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "session_controller_event_stream_connected",
			Help: "1 while the engine's event stream is connected, else 0.",
		}),
		feedUp: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "session_controller_change_feed_connected",
			Help: "1 while changes of rows are heard of, by notification or by polling, else 0.",
		}),
		trusted: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "session_controller_engine_trusted",
			Help: "1 while the engine that answers is the one that is served, else 0 and nothing is done.",
		}),
		tripped: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "session_controller_breaker_tripped",
			Help: "1 while the breaker holds what would hit too many sessions or containers, else 0.",
		}, []string{"kind"}),
	}
	return m, errors.Join(
		register(reg, &m.effects), register(reg, &m.lastSweep), register(reg, &m.sweepTook),
		register(reg, &m.sweepFails), register(reg, &m.streamUp), register(reg, &m.feedUp),
		register(reg, &m.trusted), register(reg, &m.tripped))
}

// register registers a collector; one that is there already takes its place, since the registry is the process's.
func register[C prometheus.Collector](reg prometheus.Registerer, c *C) error {
	err := reg.Register(*c)
	if err == nil {
		return nil
	}
	if there, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if same, ok := there.ExistingCollector.(C); ok {
			*c = same
			return nil
		}
	}
	return fmt.Errorf("register a metric: %w", err)
}

func (m *Metrics) effect(v Verdict, err error) {
	if m == nil || errors.Is(err, dockerwatch.ErrNotThere) { // somebody else did it
		return
	}
	result := "done"
	if err != nil {
		result = "failed"
	}
	m.effects.WithLabelValues(string(v.Action), string(v.Reason), result).Inc()
}

func (m *Metrics) sweep(took time.Duration, err error) {
	switch {
	case m == nil:
	case err != nil:
		m.sweepFails.Inc()
	default:
		m.sweepTook.Set(took.Seconds())
		m.lastSweep.SetToCurrentTime()
	}
}

func (m *Metrics) stream(up bool) {
	if m != nil {
		m.streamUp.Set(oneIf(up))
	}
}

func (m *Metrics) feed(up bool) {
	if m != nil {
		m.feedUp.Set(oneIf(up))
	}
}

func (m *Metrics) engineTrusted(yes bool) {
	if m != nil {
		m.trusted.Set(oneIf(yes))
	}
}

func (m *Metrics) breaker(sessions, containers bool) {
	if m != nil {
		m.tripped.WithLabelValues("sessions").Set(oneIf(sessions))
		m.tripped.WithLabelValues("containers").Set(oneIf(containers))
	}
}

func oneIf(up bool) float64 {
	if up {
		return 1
	}
	return 0
}
