package identity

import (
	"errors"
	"fmt"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// refuse is for another engine than the one that is served.
func (g *Guard) refuse(info dockerwatch.Info, served string) error {
	return g.distrust(fmt.Errorf(
		"%w: the one at %s is %s, and the one that is served is %s; nothing is done until that one answers again, or "+
			"`session-controller trust-engine` or docker.identity says that this one is right",
		ErrNotTrusted, g.engine.Host(), info.Identity(), served))
}

func (g *Guard) refuseStranger(info dockerwatch.Info, c ClaimSurvey) error {
	known := "which was never served before"
	if info.Identity() == g.servedLast() {
		known = "of which this database has no record any more (is it another one, or an old copy?)"
	}
	return g.distrust(fmt.Errorf(
		"%w: %d live sessions claim a container and the one at %s (%s), %s, has none of them; "+
			"nothing is done until `session-controller trust-engine` or docker.identity says that it is right",
		ErrNotTrusted, c.LiveClaims, g.engine.Host(), info.Identity(), known))
}

// fail is for an engine that could not be remembered. Where it is the database that is away nothing is known against
// the engine, and the one that was trusted still is.
func (g *Guard) fail(err error) error {
	if errors.Is(err, sessiondb.ErrUnreachable) {
		return err
	}
	return g.distrust(fmt.Errorf("%w: %w", ErrNotTrusted, err))
}

func (g *Guard) distrust(err error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accepted, g.refusal = "", err
	g.metrics.EngineTrusted(false)
	return err
}
