package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// Options are what everything in this package is built from.
type Options struct {
	// Store is the sessions table and Engine the Docker Engine that this controller serves.
	Store  SessionStore
	Engine Engine
	// Ownership says which containers are ours, Policy how long a disagreement may last.
	Ownership dockerwatch.Ownership
	Policy    Policy
	// ResyncPeriod is the time between two sweeps, jittered by a tenth. Workers is how many sessions are
	// looked at in parallel.
	ResyncPeriod time.Duration
	Workers      int
	// Changes tells of rows that changed; nil where nothing does, then sweeps find them. PollInterval is the time between
	// two looks at the rows where the database does not tell by itself.
	Changes      ChangeFeed
	PollInterval time.Duration
	// DryRun writes nothing, to either side.
	DryRun bool
	// Metrics may be nil.
	Metrics *Metrics
	// Log is the root logger; what is logged about a session carries its key.
	Log logr.Logger
}

// core is what every way of running shares: the looks, the sweep and what they remember.
type core struct {
	Options

	history *dockerwatch.History
	memory  *memory
	looker  *looker
	sweeper *sweeper
}

func newCore(o Options) *core {
	c := &core{Options: o, history: dockerwatch.NewHistory(), memory: newMemory()}
	clock := &engineClock{engine: o.Engine}
	c.looker = &looker{
		store: o.Store, engine: o.Engine, history: c.history, ownership: o.Ownership, clock: clock, memory: c.memory,
	}
	c.sweeper = &sweeper{
		store: o.Store, engine: o.Engine, history: c.history, ownership: o.Ownership, clock: clock, memory: c.memory,
		metrics: o.Metrics,
	}
	return c
}

// reconciler returns a session reconciler whose stops put their keys back by requeue.
func (c *core) reconciler(requeue func(key SessionKey, after time.Duration)) *SessionReconciler {
	r := &SessionReconciler{
		looker: c.looker,
		effects: &effects{
			store: c.Store, engine: c.Engine, policy: c.Policy, dryRun: c.DryRun, memory: c.memory, metrics: c.Metrics,
		},
		policy:  c.Policy,
		requeue: requeue,
		backoff: workqueue.NewTypedItemExponentialFailureRateLimiter[SessionKey](backoffBase, backoffCap),
		news:    rate.NewLimiter(rate.Every(failuresLoggedEvery), failuresLoggedAtOnce),
		log:     c.Log,
	}
	r.effects.stopper = newStopper(c.Engine, c.Metrics, r.stopEnded)
	return r
}

// Controller is the running controller: the triggers, the queue and the workers, under a controller-runtime manager.
type Controller struct {
	*core

	source dockerwatch.EventSource
	loop   *sweepLoop
	stream atomic.Bool
}

// New returns a controller that follows the events of source. Nothing runs until the manager that it is given to by
// [Controller.SetupWithManager] is started.
func New(o Options, source dockerwatch.EventSource) *Controller {
	return &Controller{core: newCore(o), source: source}
}

// SetupWithManager gives the manager the session controller and its triggers.
func (c *Controller) SetupWithManager(mgr manager.Manager) error {
	keys := make(nominations)
	// The requeue after a stop outlives the pass that began it, but never the process: when nobody listens any more, the
	// next start finds the stopped container.
	stopped := make(chan nomination)
	reconciler := c.reconciler(func(key SessionKey, after time.Duration) {
		stopped <- nomination{key: key, priority: priorityFresh, after: after}
	})

	ctrl, err := controller.NewTyped("session", mgr, controller.TypedOptions[SessionKey]{
		Reconciler:              reconciler,
		MaxConcurrentReconciles: c.Workers,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[SessionKey](backoffBase, backoffCap),
		LogConstructor:          func(*SessionKey) logr.Logger { return c.Log.V(1) },
		SkipNameValidation:      new(true),
	})
	if err != nil {
		return fmt.Errorf("set up the session controller: %w", err)
	}
	if err := ctrl.Watch(keys.source()); err != nil {
		return fmt.Errorf("set up the session controller's source: %w", err)
	}

	c.loop = newSweepLoop(c.core, func(ctx context.Context, key SessionKey) error {
		return keys.put(ctx, nomination{key: key, priority: prioritySweep})
	})
	reconciler.databaseDown = c.loop.request
	fresh := func(ctx context.Context, key SessionKey) error {
		return keys.put(ctx, nomination{key: key, priority: priorityFresh})
	}
	events := newEventTrigger(c.core, fresh, c.loop.request)
	watcher := dockerwatch.NewWatcher(c.source, c.history, c.handlers(events))
	runnables := []manager.RunnableFunc{
		c.loop.Start,
		events.Start,
		watcher.Run,
		func(ctx context.Context) error { return putBack(ctx, stopped, keys, reconciler.effects.stopper) },
	}
	if c.Changes != nil {
		changes := &changeTrigger{
			core: c.core, feed: c.Changes, interval: c.PollInterval, nominate: fresh, resweep: c.loop.request,
		}
		runnables = append(runnables, changes.Start)
	}
	for _, r := range runnables {
		if err := mgr.Add(r); err != nil {
			return fmt.Errorf("set up the session controller's triggers: %w", err)
		}
	}
	return nil
}

// putBack hands the keys of ended stops to the queue until ctx ends, then waits for the stops to let go.
func putBack(ctx context.Context, stopped <-chan nomination, keys nominations, s *stopper) error {
	for ctx.Err() == nil {
		select {
		case n := <-stopped:
			if err := keys.put(ctx, n); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
		}
	}
	idle := make(chan struct{})
	go func() { s.wait(); close(idle) }()
	for {
		select {
		case <-stopped:
		case <-idle:
			return nil
		}
	}
}

// handlers are what the event stream does to the controller: log its state once per change, sweep after every
// (re)connection, hand on the events.
func (c *Controller) handlers(events *eventTrigger) dockerwatch.WatchHandlers {
	log := c.Log.WithValues("engine", c.Engine.Host())
	return dockerwatch.WatchHandlers{
		Connected: func(gap bool) {
			c.stream.Store(true)
			c.Metrics.stream(true)
			log.Info("Following the engine's events", "gap", gap)
			c.loop.request() // a sweep is due after every connection
		},
		Disconnected: func(err error) {
			c.stream.Store(false)
			c.Metrics.stream(false)
			log.Error(err, "The engine's event stream is down, nothing is decided until it is back")
		},
		Event: events.hear,
	}
}

// Ready returns nil after the first complete sweep while the event stream is connected and the last sweep succeeded,
// else what is missing.
func (c *Controller) Ready() error {
	if !c.stream.Load() {
		return errors.New("the engine's event stream is not connected")
	}
	return c.loop.ready()
}
