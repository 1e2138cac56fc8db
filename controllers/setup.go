package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Controller is the running controller: the triggers, the queues and the workers, under a controller-runtime manager.
type Controller struct {
	*core

	source dockerwatch.EventSource
	loop   *sweepLoop
	// stream is nil while the event stream is connected, else why it is not.
	stream atomic.Pointer[streamError]
	// followed says that the stream was connected before.
	followed  atomic.Bool
	lastEvent atomic.Pointer[time.Time]
	feed      atomic.Pointer[sessiondb.ChangeState]
	// leading is closed when this replica may work.
	leading    <-chan struct{}
	started    time.Time
	sessions   *queue[verdict.SessionKey]
	containers *queue[verdict.ContainerKey]
}

// New returns a controller that follows the events of source. Nothing runs until the manager that it is given to by
// [Controller.SetupWithManager] is started.
func New(o Options, source dockerwatch.EventSource) *Controller {
	c := &Controller{
		core: newCore(o), source: source, started: time.Now(),
		sessions: newQueue[verdict.SessionKey](), containers: newQueue[verdict.ContainerKey](),
	}
	c.stream.Store(&streamError{})
	return c
}

// SetupWithManager gives the manager the two controllers and their triggers.
func (c *Controller) SetupWithManager(mgr manager.Manager) error {
	c.leading = mgr.Elected()
	c.Metrics.Working(false, c.DryRun, c.ResyncPeriod)
	sessions, containers := c.sessions, c.containers
	session := c.sessionReconciler(sessions, containers)
	container := c.containerReconciler(containers)
	if err := setUp(c, mgr, verdict.KindSession, session, c.Workers, sessions); err != nil {
		return err
	}
	if err := setUp(c, mgr, verdict.KindContainer, container, c.containerWorkers(), containers); err != nil {
		return err
	}
	c.loop = newSweepLoop(c.core, sessions.swept, containers.swept)
	events := newEventTrigger(c.core, sessions.fresh, containers.fresh)
	watcher := dockerwatch.NewWatcher(c.source, c.history, c.handlers(events))
	if err := mgr.Add(everywhere(c.readPauses)); err != nil {
		return fmt.Errorf("set up the reading of pauses: %w", err)
	}
	runnables := []manager.RunnableFunc{
		func(ctx context.Context) error { return c.lead(ctx) },
		c.gate.Settle,
		c.loop.Start,
		events.Start,
		watcher.Run,
		func(ctx context.Context) error { return c.redial(ctx, watcher) },
		func(ctx context.Context) error { return sessions.putBack(ctx, c.stopper) },
		func(ctx context.Context) error { return containers.putBack(ctx, c.stopper) },
	}
	if c.Changes != nil {
		changes := &changeTrigger{
			core: c.core, feed: c.Changes, state: &c.feed, interval: c.PollInterval, nominate: sessions.changed,
		}
		runnables = append(runnables, changes.Start)
	}
	for _, r := range runnables {
		if err := mgr.Add(r); err != nil {
			return fmt.Errorf("set up the controllers' triggers: %w", err)
		}
	}
	return nil
}

// readPauses keeps what is known of a pause fresh until ctx ends. A manager ends what runs in every replica before it
// tells the workers to end, so where they run they are not kept waiting for a read: settle ends with them.
func (c *Controller) readPauses(ctx context.Context) error {
	err := c.gate.Run(ctx)
	if !c.leads() {
		c.gate.Wait()
	}
	return err
}

// everywhere runs in replicas that wait for the lease, too: one that takes it over after the database was restored
// knows of the pause that was made before.
type everywhere manager.RunnableFunc

// Start implements [manager.Runnable].
func (e everywhere) Start(ctx context.Context) error { return e(ctx) }

// NeedLeaderElection implements [manager.LeaderElectionRunnable].
func (e everywhere) NeedLeaderElection() bool { return false }

// redial has the event stream dialled anew whenever that is asked for, until ctx ends.
func (c *Controller) redial(ctx context.Context, watcher *dockerwatch.Watcher) error {
	for {
		select {
		case <-c.requests.Redials():
			watcher.Redial()
		case <-ctx.Done():
			return nil
		}
	}
}

// lead counts this process as the one that works, until ctx ends.
func (c *Controller) lead(ctx context.Context) error {
	c.Metrics.Working(true, c.DryRun, c.ResyncPeriod)
	<-ctx.Done()
	return nil
}

// setUp gives the manager one controller.
func setUp[K ~string, F looks](
	c *Controller, mgr manager.Manager, name string, r *reconciler[K, F], workers int, q *queue[K],
) error {
	ctrl, err := controller.NewTyped(name, mgr, controller.TypedOptions[K]{
		Reconciler:              r,
		MaxConcurrentReconciles: workers,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[K](backoffBase, c.MaxBackoff),
		LogConstructor:          func(*K) logr.Logger { return c.Log.V(1) },
		SkipNameValidation:      new(true),
		NewQueue:                q.make,
	})
	if err != nil {
		return fmt.Errorf("set up the %s controller: %w", name, err)
	}
	if err := ctrl.Watch(q.nominations.source()); err != nil {
		return fmt.Errorf("set up the %s controller's source: %w", name, err)
	}
	return nil
}

// handlers are what the event stream does to the controller: log its state once per change, sweep after every
// (re)connection, hand on the events.
func (c *Controller) handlers(events *eventTrigger) dockerwatch.WatchHandlers {
	log := c.Log.WithValues("engine", c.Engine.Host())
	return dockerwatch.WatchHandlers{
		Connected: func(engine string, gap bool) {
			c.guard.Saw(engine, false)
			c.stream.Store(nil)
			c.Metrics.Stream(true, c.followed.Swap(true))
			log.Info("Event stream connected", "gap", gap)
			c.breaker.Forget() // it may be another engine, or one that lost its containers
			c.requests.Sweep() // a sweep is due after every connection
		},
		Disconnected: func(err error) {
			c.stream.Store(&streamError{err})
			c.Metrics.Stream(false, false)
			c.breaker.Forget()
			if errors.Is(err, dockerwatch.ErrRedialled) {
				log.Info("Event stream closed, dialling it anew", "why", err.Error())
				return
			}
			log.Error(err, "Event stream disconnected, relying on sweeps")
		},
		Event: func(e dockerwatch.Event) {
			c.received(e)
			events.handle(e)
		},
	}
}
