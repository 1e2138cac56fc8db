package controllers

import (
	"cmp"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/apply"
	"github.com/session-controller/session-controller/controllers/internal/breaker"
	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/pause"
	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// Options are what everything in this package is built from.
type Options struct {
	// Store is the sessions table and Engine the Docker Engine that this controller serves.
	Store  SessionStore
	Engine Engine
	// Records is where the engine's identity is remembered; nil where nothing is, then each process learns it anew.
	// Identity, when it is not empty, is the only engine to serve.
	Records  identity.Records
	Identity string
	// Ownership says which containers are ours, Policy how long a disagreement may last.
	Ownership dockerwatch.Ownership
	Policy    verdict.Policy
	// ResyncPeriod is the time between two sweeps, jittered by a tenth. Workers is how many sessions are
	// looked at in parallel; a quarter as many containers without a row are on top.
	ResyncPeriod time.Duration
	Workers      int
	// MaxBackoff is the longest wait between two tries of what keeps failing: a session, a container or a sweep. It is
	// 30 s where it is zero. While the engine is away the wait is a second at most, whatever this says.
	MaxBackoff time.Duration
	// Changes tells of rows that changed; nil where nothing does, then sweeps find them. PollInterval is the time between
	// two looks at the rows where the database does not tell by itself.
	Changes      ChangeFeed
	PollInterval time.Duration
	// Pauses is where an operator's pause is kept; nil: there are none.
	Pauses pause.Records
	// Replica says that several processes serve one engine and that only the one with the lease works.
	Replica bool
	// DryRun writes nothing, to either side.
	DryRun bool
	// AcceptLeaks removes leaked containers however many they are: an operator has said so.
	AcceptLeaks bool
	// Metrics may be nil.
	Metrics *metrics.Metrics
	// Log is the root logger; what is logged about a session or a container carries its key.
	Log logr.Logger
}

// core is what every way of running shares: the looks, the sweep, the guards and what they remember.
type core struct {
	Options

	record passRecorder

	history          *dockerwatch.History
	sessionTracker   *evidence.SessionTracker
	containerTracker *evidence.ContainerTracker
	guard            *identity.Guard
	breaker          *breaker.Breaker
	sessionLooks     *evidence.Sessions
	containerLooks   *evidence.Containers
	sweeper          *sweep.Sweeper
	sessionEffects   *apply.Sessions
	containerEffects *apply.Containers
	stopper          *apply.Stopper
	gate             *pause.Gate
	requests         *requests.Requests
	slowSessions     *slowLane[verdict.SessionKey]
	slowContainers   *slowLane[verdict.ContainerKey]
}

func newCore(o Options) *core {
	o.MaxBackoff = cmp.Or(o.MaxBackoff, backoffCap)
	r := requests.New()
	c := &core{
		Options: o, requests: r, history: dockerwatch.NewHistory(), sessionTracker: evidence.NewSessionTracker(),
		containerTracker: evidence.NewContainerTracker(), gate: pause.New(o.Pauses, o.Metrics, r, o.Log),
		record: newPassRecorder(o.Metrics),
	}
	c.slowSessions = newSlowLane[verdict.SessionKey](c.Workers)
	c.slowContainers = newSlowLane[verdict.ContainerKey](c.containerWorkers())
	c.guard = identity.New(identity.Options{
		Engine: o.Engine, Records: o.Records, Pin: o.Identity, DryRun: o.DryRun, Requests: r, Metrics: o.Metrics, Log: o.Log,
	})
	c.breaker = breaker.New(breaker.Options{
		Policy: o.Policy.Breaker, AcceptLeaks: o.AcceptLeaks, Metrics: o.Metrics, Log: o.Log,
	})
	c.sessionLooks, c.containerLooks = evidence.New(evidence.Options{
		Store: o.Store, Engine: c.guard.Verified(o.Engine), Guard: c.guard, Breaker: c.breaker, History: c.history,
		Ownership: o.Ownership, Policy: o.Policy, SessionTracker: c.sessionTracker, ContainerTracker: c.containerTracker,
	})
	c.sessionEffects, c.containerEffects, c.stopper = apply.New(apply.Options{
		Store: o.Store, Engine: o.Engine, Policy: o.Policy, DryRun: o.DryRun, Gate: c.gate, Guard: c.guard,
		Looks: c.sessionLooks, SessionTracker: c.sessionTracker, ContainerTracker: c.containerTracker, Metrics: o.Metrics,
	})
	c.sweeper = sweep.New(sweep.Options{
		Store: o.Store, Engine: o.Engine, Guard: c.guard, Breaker: c.breaker, History: c.history, Ownership: o.Ownership,
		Policy: o.Policy, Sessions: c.sessionTracker, Containers: c.containerTracker, Looks: c.sessionLooks,
		Recovered: c.forgiveSlow, Metrics: o.Metrics,
	})
	return c
}

// forgiveSlow is called when the engine answers again after it hung.
func (c *core) forgiveSlow() {
	c.slowSessions.forgive()
	c.slowContainers.forgive()
}

// wait returns when no call is under way any more that several shared, and that went on when all of them gave up.
func (c *core) wait() {
	c.sessionLooks.Wait()
	c.gate.Wait()
}

// sessionReconciler returns a reconciler of the sessions of a queue. What they release goes to the containers' queue. A
// plan has neither.
func (c *core) sessionReconciler(
	queue keyQueue[verdict.SessionKey], containers keyQueue[verdict.ContainerKey],
) *reconciler[verdict.SessionKey, verdict.SessionFacts] {
	subject := &sessionSubject{
		Sessions: c.sessionEffects, looks: c.sessionLooks, policy: c.Policy, tracker: c.sessionTracker, history: c.history,
		containers: c.containerTracker, released: containers,
	}
	return newReconciler(verdict.KindSession, subject, c.slowSessions, c.MaxBackoff, queue, c.record, c.requests,
		c.Log)
}

// containerReconciler returns a reconciler of the containers of a queue. A plan has none.
func (c *core) containerReconciler(
	queue keyQueue[verdict.ContainerKey],
) *reconciler[verdict.ContainerKey, verdict.ContainerFacts] {
	subject := &containerSubject{
		Containers: c.containerEffects, looks: c.containerLooks, policy: c.Policy, tracker: c.containerTracker,
	}
	return newReconciler(verdict.KindContainer, subject, c.slowContainers, c.MaxBackoff, queue, c.record,
		c.requests, c.Log)
}

// containerShare is the part of Workers that look at containers without a row: a quarter of them removes nearly as fast
// as all (200 containers in 1.27 s by 4 workers, and in 1.06 s by 16).
const containerShare = 4

func (c *core) containerWorkers() int { return max(1, c.Workers/containerShare) }
