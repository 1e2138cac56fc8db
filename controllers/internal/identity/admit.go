package identity

import (
	"cmp"
	"context"
	"errors"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Admit judges the engine that a sweep has found, and remembers it where it is new. surveyClaims is only called for one
// that is not known. The engine stays trusted as it was when this cannot be decided.
func (g *Guard) Admit(ctx context.Context, who Introduction, surveyClaims func() (ClaimSurvey, error)) error {
	const tries = 3 // another controller may be remembering one at the same time
	g.Saw(who.Identity(), false)
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
			survey, err := surveyClaims()
			if err != nil {
				return err
			}
			if !survey.plausible() {
				return g.refuseStranger(who.Info, survey)
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
	return g.fail(errRecordChanging)
}

// remembered is the identity that is written down, or that this process knows where it has no records, "" where there
// is none; last is that of the engine that this process served last, whatever became of the records.
func (g *Guard) remembered(ctx context.Context) (identity, last string, err error) {
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

func (g *Guard) servedLast() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last
}

func (g *Guard) remember(ctx context.Context, current, previous string) error {
	switch {
	case g.records == nil:
		return nil
	case g.dryRun:
		return g.tolerate(g.records.EngineFree(ctx, current))
	}
	return g.tolerate(g.records.RememberEngine(ctx, current, previous))
}

// tolerate returns nil in place of an ErrNoLedger, which it tells of: only this process remembers the engine then.
func (g *Guard) tolerate(err error) error {
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
	if gone && why != g.recordError {
		g.log.Error(err, "Engine record lost, only this process remembers the engine: make the tables with "+
			"`session-controller migrate`, and let this role use them")
	}
	g.recordError = why
	return nil
}

func (g *Guard) accept(who Introduction) {
	g.mu.Lock()
	clockSet := g.clock.set(who.clock) && g.last == who.Identity()
	g.accepted, g.last, g.refusal = who.Identity(), who.Identity(), nil
	g.metrics.EngineTrusted(true)
	g.mu.Unlock()
	g.Saw(who.Identity(), clockSet)
}

var errRecordChanging = errors.New("another controller keeps changing which engine is remembered, will retry")
