package apply

import (
	"context"
	"errors"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/pause"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// effectGate stands before every effect of either direction: in a dry run, and while an operator has paused the
// controller, none is carried out.
type effectGate struct {
	dryRun bool
	pause  *pause.Gate
}

// enter returns no error where an effect may be carried out, and release is called when that is done; else why not:
// ErrDryRun, a [pause.ErrPaused], or the database's error where that cannot be known. What is withheld is logged where
// shouldLog reports that it was not logged before.
func (g effectGate) enter(
	ctx context.Context, log logr.Logger, v verdict.Verdict, shouldLog func(text string) bool,
) (release func(), err error) {
	if g.dryRun {
		if shouldLog("dry-run " + string(v.Action) + string(v.Reason)) {
			log.Info("Would act, but this is a dry run")
		}
		return nil, ErrDryRun
	}
	release, err = g.pause.Enter(ctx)
	if errors.Is(err, pause.ErrPaused) && shouldLog("paused "+string(v.Action)) {
		log.Info("Would act, but the controller is paused")
	}
	return release, err
}
