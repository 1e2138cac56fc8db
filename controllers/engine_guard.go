package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/internal/batch"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// errNotTrusted says that the engine is not known to be the one that is served: nothing is looked at or done.
var errNotTrusted = errors.New("the engine is not trusted")

// EngineRecords is where the identity of the engine that is served is remembered. [sessiondb.Ledger] is one.
type EngineRecords interface {
	// RememberedEngine returns the identity, or "" when none is remembered. This and the others return
	// [sessiondb.ErrNoLedger] when there is no place to remember one any more.
	RememberedEngine(ctx context.Context) (string, error)
	// RememberEngine remembers an identity in place of previous, or returns [sessiondb.ErrConflict] when another one is
	// remembered by now. An identity that another node has is an error.
	RememberEngine(ctx context.Context, identity, previous string) error
	// EngineFree returns an error when another node has the identity.
	EngineFree(ctx context.Context, identity string) error
}

// engineGuard makes sure that the engine that answers is the one that is served: another one has other containers, and
// every session would look dead. It is safe for concurrent use.
type engineGuard struct {
	engine  Engine
	clock   *engineClock
	records EngineRecords // nil: only this process remembers
	pin     string
	dryRun  bool
	metrics *metrics.Metrics
	log     logr.Logger
	checks  *batch.Batcher[struct{}, struct{}]
	// requests is asked for a sweep and to dial the event stream anew when another engine answers than the one before,
	// the served one again included, and when the clock of the served one was set.
	requests *requests.Requests

	mu       sync.Mutex
	answered string // the identity of the engine that answered last; empty when none has
	accepted string // the identity that is served; empty when none is
	last     string // the last one that was, for where there is no record of it
	bereft   string // what was said of records that are gone
	refusal  error
}

var errNoSweepYet = fmt.Errorf("%w: no sweep has looked at it yet", errNotTrusted)

func newEngineGuard(o Options, clock *engineClock, r *requests.Requests) *engineGuard {
	g := &engineGuard{
		engine: o.Engine, clock: clock, records: o.Records, pin: o.Identity, dryRun: o.DryRun, metrics: o.Metrics,
		log: o.Log, requests: r,
		refusal: errNoSweepYet,
	}
	g.checks = batch.New(1, 0, g.checkTogether)
	return g
}

// trusted returns nil while the engine is the one that is served, else why it is not known to be.
func (g *engineGuard) trusted() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refusal
}

// served is the identity of the engine that is served, or "" while none is.
func (g *engineGuard) served() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accepted
}

// confirm returns nil when a check that began after this call has shown the engine that is served, and it is the one of
// this identity, from which an answer came ("" where that is not known). Absence of a container proves nothing before.
func (g *engineGuard) confirm(ctx context.Context, identity string) error {
	if err := g.trusted(); err != nil {
		return err
	}
	if _, err := g.checks.Do(ctx, struct{}{}); err != nil {
		return err
	}
	return g.vouch(identity) // another one may be served by now
}

// checkTogether makes one check for several who need one.
func (g *engineGuard) checkTogether(ctx context.Context, asked []struct{}) []batch.Answer[struct{}] {
	return slices.Repeat([]batch.Answer[struct{}]{{Err: g.check(ctx)}}, len(asked))
}

// check asks the engine who it is. Another one than before is not trusted until a sweep has judged it.
func (g *engineGuard) check(ctx context.Context) error {
	who, err := introduce(ctx, g.engine)
	if err != nil {
		return err
	}
	g.mu.Lock()
	accepted := g.accepted
	g.mu.Unlock()
	if who.Identity() == accepted {
		g.saw(accepted, g.clock.set(who.clock))
		return nil
	}
	err = g.refuse(who.Info, accepted)
	g.saw(who.Identity(), false)
	return err
}

// saw notes which engine has answered, and whether its clock was found to have been set. The connections to another one
// than the served one are given up: as long as they are kept and used, they do not lead where the address does.
func (g *engineGuard) saw(identity string, clockSet bool) {
	g.mu.Lock()
	another := g.answered != "" && g.answered != identity
	g.answered = identity
	served := g.accepted == identity
	g.mu.Unlock()
	if !served {
		g.engine.DropIdle()
	}
	if another || clockSet {
		g.requests.Sweep()
		g.requests.Redial()
	}
}

// admit judges the engine that a sweep has found, and remembers it where it is new. takeCensus is only called for one
// that is not known. The engine stays trusted as it was when this cannot be decided.
func (g *engineGuard) admit(
	ctx context.Context, who introduction, takeCensus func() (Census, error),
) error {
	const tries = 3 // another controller may be remembering one at the same time
	g.saw(who.Identity(), false)
	for range tries {
		remembered, last, err := g.remembered(ctx)
		if err != nil {
			return err
		}
		current := who.Identity()
		switch decideEngine(g.pin, remembered, last, current) {
		case engineAccepted:
			g.accept(who)
			return nil
		case engineRefused:
			return g.refuse(who.Info, cmp.Or(g.pin, remembered, last))
		case engineUnknown:
			census, err := takeCensus()
			if err != nil {
				return err
			}
			if !census.plausible() {
				return g.refuseStranger(who.Info, census)
			}
		case engineNamed:
		}
		err = g.remember(ctx, current, remembered)
		if err == nil {
			g.accept(who)
			return nil
		}
		if !errors.Is(err, sessiondb.ErrConflict) {
			return g.fail(err)
		}
	}
	return g.fail(errKeepsChanging)
}

// remembered is the identity that is written down, or that this process knows where it has no records, "" where there
// is none; last is that of the engine that this process served last, whatever became of the records.
func (g *engineGuard) remembered(ctx context.Context) (identity, last string, err error) {
	if g.records == nil {
		served := g.servedLast()
		return served, served, nil
	}
	identity, err = g.records.RememberedEngine(ctx)
	if err = g.tolerate(err); err != nil || g.dryRun { // a dry run writes nothing down: each engine is judged anew
		return identity, "", err
	}
	return identity, g.servedLast(), nil
}

func (g *engineGuard) servedLast() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

func (g *engineGuard) remember(ctx context.Context, current, previous string) error {
	switch {
	case g.records == nil:
		return nil
	case g.dryRun:
		return g.tolerate(g.records.EngineFree(ctx, current))
	}
	return g.tolerate(g.records.RememberEngine(ctx, current, previous))
}

// tolerate returns nil in place of an ErrNoLedger, which it tells of: only this process remembers the engine then.
func (g *engineGuard) tolerate(err error) error {
	gone := errors.Is(err, sessiondb.ErrNoLedger)
	if err != nil && !gone {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	why := ""
	if gone {
		why = err.Error()
	}
	if gone && why != g.bereft {
		g.log.Error(err, "Engine record lost, only this process remembers the engine: make the tables with "+
			"`session-controller migrate`, and let this role use them")
	}
	g.bereft = why
	return nil
}

func (g *engineGuard) accept(who introduction) {
	g.mu.Lock()
	clockSet := g.clock.set(who.clock) && g.last == who.Identity()
	g.accepted, g.last, g.refusal = who.Identity(), who.Identity(), nil
	g.metrics.EngineTrusted(true)
	g.mu.Unlock()
	g.saw(who.Identity(), clockSet)
}

// refuse is for another engine than the one that is served.
func (g *engineGuard) refuse(info dockerwatch.Info, served string) error {
	return g.distrust(fmt.Errorf(
		"%w: the one at %s is %s, and the one that is served is %s; nothing is done until that one answers again, or "+
			"`session-controller trust-engine` or docker.identity says that this one is right",
		errNotTrusted, g.engine.Host(), info.Identity(), served))
}

func (g *engineGuard) refuseStranger(info dockerwatch.Info, c Census) error {
	known := "which was never served before"
	if info.Identity() == g.servedLast() {
		known = "of which this database has no record any more (is it another one, or an old copy?)"
	}
	return g.distrust(fmt.Errorf(
		"%w: %d live sessions claim a container and the one at %s (%s), %s, has none of them; "+
			"nothing is done until `session-controller trust-engine` or docker.identity says that it is right",
		errNotTrusted, c.LiveClaims, g.engine.Host(), info.Identity(), known))
}

// fail is for an engine that could not be remembered. Where it is the database that is away nothing is known against
// the engine, and the one that was trusted still is.
func (g *engineGuard) fail(err error) error {
	if errors.Is(err, sessiondb.ErrUnreachable) {
		return err
	}
	return g.distrust(fmt.Errorf("%w: %w", errNotTrusted, err))
}

func (g *engineGuard) distrust(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accepted, g.refusal = "", err
	g.metrics.EngineTrusted(false)
	return err
}

// Start returns when ctx has ended and no check is under way any more.
func (g *engineGuard) Start(ctx context.Context) error {
	<-ctx.Done()
	g.checks.Wait()
	return nil
}
