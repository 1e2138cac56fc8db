package apply

import (
	"context"
	"errors"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/pause"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// permit stands before every effect of either direction: in a dry run, and while an operator has paused the controller,
// none is carried out.
type permit struct {
	dryRun bool
	gate   *pause.Gate
}

// ask returns no error where an effect may be carried out, and leave is called when that is done; else why not:
// ErrDryRun, a [pause.ErrPaused], or the database's error where that cannot be known. What is withheld is logged where
// say reports that this is news.
func (p permit) ask(
	ctx context.Context, log logr.Logger, v verdict.Verdict, say func(text string) bool,
) (leave func(), err error) {
	if p.dryRun {
		if say("dry-run " + string(v.Action) + string(v.Reason)) {
			log.Info("Would act, but this is a dry run")
		}
		return nil, ErrDryRun
	}
	leave, err = p.gate.Enter(ctx)
	if errors.Is(err, pause.ErrPaused) && say("paused "+string(v.Action)) {
		log.Info("Would act, but the controller is paused")
	}
	return leave, err
}
