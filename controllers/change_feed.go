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
		OnGap:   t.core.requests.Sweep,
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
		log.Error(s.Err, "Change feed disconnected, relying on sweeps")
	case s.Err != nil:
		log.Info("Change feed connected by polling, notifications do not arrive", "error", s.Err.Error())
	case s.Hint != "":
		log.Info("Change feed connected", "hint", s.Hint)
	default:
		log.Info("Change feed connected")
	}
}
