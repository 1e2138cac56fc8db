package controllers

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// ChangeFeed tells of rows that changed. [sessiondb.Store] is one.
type ChangeFeed interface {
	Changes(ctx context.Context, handlers sessiondb.ChangeHandlers) error
}

// changeTrigger turns changes of rows into keys. A change is a hint, like an event of the engine: it may be lost, late
// or doubled, and the sweep finds what it missed.
type changeTrigger struct {
	core     *core
	feed     ChangeFeed
	interval time.Duration
	nominate func(context.Context, verdict.SessionKey) error
	resweep  func()
	// state is told what became of the feed.
	state *atomic.Pointer[sessiondb.ChangeState]
}

// Start follows the feed until ctx ends.
func (t *changeTrigger) Start(ctx context.Context) error {
	return t.feed.Changes(ctx, sessiondb.ChangeHandlers{
		PollInterval: t.interval,
		OnChange: func(id string) {
			_ = t.nominate(ctx, SessionKey(id)) // it fails only when ctx ends
		},
		OnGap:   t.resweep,
		OnState: t.report,
	})
}

// report logs the feed's state, once per change of it.
func (t *changeTrigger) report(s sessiondb.ChangeState) {
	log := t.core.Log.WithValues("source", string(s.Source))
	t.core.Metrics.Feed(s.Connected)
	t.state.Store(&s)
	switch {
	case !s.Connected:
		log.Error(s.Err, "Changes of rows are not heard of, sweeps find them until they are")
	case s.Err != nil:
		log.Info("Following the changes of rows, though not as they were meant to be", "error", s.Err.Error())
	case s.Hint != "":
		log.Info("Following the changes of rows", "hint", s.Hint)
	default:
		log.Info("Following the changes of rows")
	}
}
