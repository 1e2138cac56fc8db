package controllers

import (
	"errors"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Check is one of the conditions of readiness.
type Check struct {
	// Name is engine-events, engine-identity, database-changes or sweep.
	Name string
	// Err is why it is not met; nil where it is.
	Err error
}

// Checks returns what must be true of a controller that is ready: the event stream is connected, the engine is the one
// that is served, changes of rows are received, and the last sweep succeeded. A replica that waits for the lease is
// ready: it is there to take over.
func (c *Controller) Checks() []Check {
	checks := []Check{
		{Name: "engine-events"}, {Name: "engine-identity"}, {Name: "database-changes"}, {Name: "sweep"},
	}
	if !c.leads() {
		return checks
	}
	checks[0].Err = c.streamState()
	checks[1].Err = c.guard.Trusted()
	checks[2].Err = c.feedError()
	checks[3].Err = c.loop.ready()
	return checks
}

// Ready returns nil while all of [Controller.Checks] are met, else why not.
func (c *Controller) Ready() error {
	checks := c.Checks()
	problems := make([]error, 0, len(checks))
	for _, check := range checks {
		problems = append(problems, check.Err)
	}
	return errors.Join(problems...)
}

// Alive returns nil unless the process itself is stuck, in which case a restart helps. An engine or a database that is
// away is no reason: a restart would not bring it back.
func (c *Controller) Alive() error { return c.record.steps.stuck(time.Now()) }

// leads reports whether this process is the one that works.
func (c *Controller) leads() bool {
	if !c.Replica {
		return true
	}
	select {
	case <-c.leading:
		return true
	default:
		return false
	}
}

// streamError is why the engine's event stream is not connected.
type streamError struct {
	cause error // nil: it was not connected yet
}

func (e *streamError) Error() string {
	if e.cause == nil {
		return "the engine's event stream is not connected yet"
	}
	return "the engine's event stream is down: " + e.cause.Error()
}

// err is nil for nil.
func (e *streamError) err() error {
	if e == nil {
		return nil
	}
	return e
}

func (e *streamError) Unwrap() error { return e.cause }

func (c *Controller) streamState() error {
	return c.stream.Load().err()
}

var errNoFeed = errors.New("the change feed is not connected: the database has not been reached yet")

func (c *Controller) feedError() error {
	if c.Changes == nil {
		return nil
	}
	state := c.feed.Load()
	switch {
	case state == nil:
		return errNoFeed
	case !state.Connected && state.Err != nil:
		return state.Err
	case !state.Connected:
		return errNoFeed
	}
	return nil
}

// Status is what a running controller sees.
type Status struct {
	// Started is when the process began, Leads whether it is the one that works, DryRun whether it writes nothing.
	Started time.Time
	Leads   bool
	DryRun  bool
	// Pause is the zero value where there is none.
	Pause sessiondb.Pause
	// Engine is the identity of the one that is served, empty where none is.
	Engine string
	Checks []Check
	// Feed is where changes of rows are heard from; nil before that is known.
	Feed *sessiondb.ChangeState
	// LastEvent is when the last event of the engine came, Swept when the last complete sweep ended; zero: there was none.
	LastEvent, Swept time.Time
	// Sweep is what the last complete sweep counted.
	Sweep Sweep
	// Open are the drifts that are not over, by reason.
	Open map[verdict.Reason]int
	// Looping are live sessions whose container its restart policy keeps restarting, in order of their ids.
	Looping []verdict.SessionKey
	// Sessions and Containers are how many keys wait for a worker, those that wait for a grace aside.
	Sessions, Containers int
	// Stopping is how many containers are being stopped, Acting how many other effects are being carried out.
	Stopping, Acting int
	// BreakerSessions and BreakerContainers say whether the breaker holds them.
	BreakerSessions, BreakerContainers bool
}

// Status returns what the controller sees now. It asks neither the engine nor the database.
func (c *Controller) Status() Status {
	s := Status{
		Started: c.started, Leads: c.leads(), DryRun: c.DryRun, Checks: c.Checks(), Feed: c.feed.Load(),
		Engine: c.guard.Served(), Open: c.record.drifts.Open(), Looping: c.record.drifts.Looping(),
		Stopping: c.stopper.Count(),
		Sessions: c.sessions.waiting(), Containers: c.containers.waiting(),
	}
	if p := c.gate.Current(); p.Active() {
		s.Pause = p
	}
	s.Acting = c.gate.Acting() // after the pause: none begins once that is known
	if at := c.lastEvent.Load(); at != nil {
		s.LastEvent = *at
	}
	s.Sweep, s.Swept = c.loop.last()
	s.BreakerSessions, s.BreakerContainers = c.breaker.Tripped()
	return s
}

// received notes an event for the figures.
func (c *Controller) received(e dockerwatch.Event) {
	c.Metrics.Event(e.Action)
	c.lastEvent.Store(new(time.Now()))
}
