package dockerwatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/session-controller/session-controller/internal/wait"
)

const (
	// While the engine is away every wait before the next try is at most reconnectCap, so that it is found again within
	// about a second of its return.
	reconnectBase = 50 * time.Millisecond
	reconnectCap  = time.Second
)

const (
	// clockTolerance is how far an engine's clock may be from where the time elapsed since an earlier answer puts it,
	// without being taken for a clock that was set. Each answer is up to 5 s old when it is read (the default time-out of
	// a call), so two of them differ by no more than that; twice as much leaves room for a longer time-out.
	clockTolerance = 10 * time.Second
	// clockDrift is the part of the elapsed time that is tolerated on top, a thousandth. Clocks that are not corrected
	// drift apart by up to a ten-thousandth, and a clock that is set by an hour is still found after forty days.
	clockDrift = 1000
)

// ErrRedialled says that a connection of the event stream was ended in favour of a new one.
var ErrRedialled = errors.New("another engine answered at this address, or its clock was set: dialling anew")

// ClockWasSet reports whether an engine's clock that showed before, and shows now after some time, was set in between:
// it is not where that time puts it.
func ClockWasSet(before, now time.Time, elapsed time.Duration) bool {
	return now.Sub(before.Add(elapsed)).Abs() > clockTolerance+elapsed/clockDrift
}

// beginning is before any event.
var beginning = time.Unix(1, 0) //nolint:gochecknoglobals // a constant that Go has no literal for

// EventSource is what a [Watcher] needs of an engine. [Engine] is one.
type EventSource interface {
	Info(ctx context.Context) (Info, error)
	Events(ctx context.Context, since time.Time, connected func(engine string) error, handle func(Event)) error
	RecentEvents(ctx context.Context, since time.Time) ([]Moment, error)
}

// WatchHandlers are told what the stream does, one call at a time and from one goroutine; they must return promptly, or
// the engine drops events. Nil ones are not called.
type WatchHandlers struct {
	// Connected is called after every (re)connection, before its first event, with the identity of the engine. gap reports
	// that events may have been missed since the last connection; false on the first. A full look at everything is due
	// either way.
	Connected func(engine string, gap bool)
	// Disconnected is called once when the stream breaks or the first try fails, not again until it was connected.
	Disconnected func(err error)
	// Event is called for every event, in the order of arrival, after it is in the history.
	Event func(Event)
}

// Watcher follows an engine's events for ever, resumes where it broke off, and knows when it may have missed something.
type Watcher struct {
	source   EventSource
	history  *History
	handlers WatchHandlers

	last      Event     // the last event heard, to resume from and to recognise again
	since     time.Time // where to resume when no event was heard yet
	connected bool
	everUp    bool
	reported  bool
	// clock is the engine's time at the last connection, and clockRead when it was read, by this machine's clock.
	clock, clockRead time.Time
	// hangUp ends the connection that is open, or being made. Nil before the first.
	hangUp atomic.Pointer[context.CancelCauseFunc]
}

// NewWatcher returns a watcher that keeps history up to date and tells handlers. Call [Watcher.Run] once.
func NewWatcher(source EventSource, history *History, handlers WatchHandlers) *Watcher {
	return &Watcher{source: source, history: history, handlers: handlers}
}

// Run follows the stream until ctx ends, which is the only way it returns; then it returns nil. After a break the first
// try is made at once, later ones after a jittered backoff of at most a second.
func (w *Watcher) Run(ctx context.Context) error {
	for backoff, again := (wait.Backoff{First: reconnectBase}), false; ctx.Err() == nil; again = true {
		w.connected = false
		began := time.Now()
		err := w.follow(ctx)
		if w.everUp {
			w.history.Interrupted()
		}
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of ctx is the ordinary end; the broken stream is its consequence
		}
		if w.connected {
			w.reported = false
		}
		if w.connected && time.Since(began) >= reconnectCap {
			again = false // a stream that breaks as soon as it is up is no reason to hurry
			backoff.Reset()
		}
		if !w.reported && w.handlers.Disconnected != nil {
			w.handlers.Disconnected(err)
		}
		w.reported = true
		if again {
			wait.For(ctx, backoff.Next(reconnectCap), nil)
		}
	}
	return nil
}

// Redial ends the connection of the stream and lets [Watcher.Run] dial anew. It is for callers that have seen another
// engine answer at the address, or the right one again: a connection that lives on still leads to the engine that it
// was made to. It is safe for concurrent use.
func (w *Watcher) Redial() {
	if hangUp := w.hangUp.Load(); hangUp != nil {
		(*hangUp)(ErrRedialled)
	}
}

// follow makes one connection and stays on it until it breaks.
func (w *Watcher) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.hangUp.Store(&cancel)
	err := w.listen(ctx)
	if cause := context.Cause(ctx); errors.Is(cause, ErrRedialled) {
		return fmt.Errorf("follow docker events: %w", cause)
	}
	return err
}

func (w *Watcher) listen(ctx context.Context) error {
	info, err := w.source.Info(ctx)
	if err != nil {
		return err
	}
	read := time.Now()
	if w.clockWasSet(info.Time, read) {
		// Times of before and after cannot be compared. A stream that were whole since a time that has yet to come would let
		// no death count as a crash until then, and one that resumed at such a time would miss what happens until then.
		w.last, w.since = Event{}, time.Time{}
	}
	since := w.resumeFrom(info.Time)
	onConnect := func(engine string) error {
		if engine != info.Identity() {
			return fmt.Errorf("%w: the connection of the stream leads to %s, and the one before to %s",
				ErrUnreachable, engine, info.Identity())
		}
		gap := w.settleGap(ctx, since, info.Time)
		w.connected, w.everUp, w.since = true, true, since
		w.clock, w.clockRead = info.Time, read
		if w.handlers.Connected != nil {
			w.handlers.Connected(engine, gap)
		}
		return nil
	}
	return w.source.Events(ctx, since, onConnect, w.handle)
}

// resumeFrom is the last event's own time (since is inclusive: it comes again), or for the very first connection far
// enough back to hear of a stop that is under way. Never the local clock: the two differ.
func (w *Watcher) resumeFrom(engineNow time.Time) time.Time {
	switch {
	case !w.last.Time.IsZero():
		return w.last.Time
	case !w.since.IsZero():
		return w.since
	default:
		return engineNow.Add(-stopWindow)
	}
}

// settleGap finds out how far back the stream is whole and reports whether something may have been missed. What the
// stream is about to send of the past is in the history when it returns: half of it would show a container that died
// and was started again as one that died long ago.
func (w *Watcher) settleGap(ctx context.Context, since, engineNow time.Time) (gap bool) {
	from := since
	if !w.everUp {
		from = beginning
	}
	moments, err := w.source.RecentEvents(ctx, from)
	gap = w.settle(moments, err, since, engineNow)
	for _, m := range moments {
		if m.Event != nil && !m.Time.Before(since) {
			w.history.Add(*m.Event)
		}
	}
	if !gap {
		w.history.Resumed()
	}
	return gap
}

// clockWasSet reports whether the engine's clock, which was read at this moment, has been set since the last
// connection.
func (w *Watcher) clockWasSet(engineNow, read time.Time) bool {
	return w.everUp && ClockWasSet(w.clock, engineNow, read.Sub(w.clockRead))
}

func (w *Watcher) settle(moments []Moment, err error, since, engineNow time.Time) (gap bool) {
	switch {
	case err != nil, len(moments) == 0 && !w.everUp:
		w.history.Whole(engineNow)
		return w.everUp
	case !w.everUp:
		// What came before the oldest event that the engine still has, it may have forgotten: its memory was full, or it
		// was restarted.
		w.history.Whole(later(since, earliest(moments)))
		return false
	case w.remembered(moments):
		// The engine still has the last event heard and everything since, and sends it now: as if it had never broken.
		return false
	default:
		w.history.Whole(engineNow)
		return true
	}
}

// remembered reports whether the engine's memory still holds the last event heard. An engine that was restarted has
// forgotten it, and so has one that was busy.
func (w *Watcher) remembered(moments []Moment) bool {
	return slices.ContainsFunc(moments, w.isLast)
}

// isLast reports whether m is the last event heard.
func (w *Watcher) isLast(m Moment) bool {
	return m.Time.Equal(w.last.Time) && m.ID == w.last.ID && m.Action == w.last.Action
}

func (w *Watcher) handle(e Event) {
	if w.isLast(Moment{Time: e.Time, ID: e.ID, Action: e.Action}) {
		return
	}
	// What the engine remembers of a time that has yet to come is of before its clock was set: nothing resumes there.
	elapsed := time.Since(w.clockRead)
	toCome := e.Time.After(w.clock.Add(elapsed)) && ClockWasSet(w.clock, e.Time, elapsed)
	if e.Time.After(w.last.Time) && !toCome {
		w.last = e
	}
	w.history.Add(e)
	if w.handlers.Event != nil {
		w.handlers.Event(e)
	}
}

func earliest(moments []Moment) time.Time {
	first := moments[0].Time
	for _, m := range moments {
		if m.Time.Before(first) {
			first = m.Time
		}
	}
	return first
}
