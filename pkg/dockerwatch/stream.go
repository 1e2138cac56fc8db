package dockerwatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
)

// errConnectDeadline ends a connection whose answer did not begin in time.
var errConnectDeadline = fmt.Errorf("no answer began: %w", context.DeadlineExceeded)

// Events follows the engine's container events on one connection, from since on (the engine's time, inclusive) or,
// when since is zero, from now on. connected is called once, when the engine has accepted, with the identity of the
// engine that the connection leads to; an error from it ends the stream.
// Connecting has the usual deadline, the stream itself has none. handle is called for each event, one at a time; it
// must be quick, as the engine drops events for a reader that is slow.
//
// It always returns an error: [ErrUnreachable] when the stream broke, ctx.Err() when ctx ended, connected's own, and
// what a call returns when there was no connection.
func (e *Engine) Events(
	ctx context.Context, since time.Time, connected func(engine string) error, handle func(Event),
) error {
	const op = "follow docker events"
	streamCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	deadline := time.AfterFunc(e.timeout, func() { cancel(errConnectDeadline) })
	defer deadline.Stop()

	speaker, err := e.speaker(streamCtx)
	if err != nil {
		return e.streamFailure(ctx, streamCtx, op, answer{err: err}, err)
	}
	// A connection that is kept may lead to another engine than the address does by now: the stream dials its own, and
	// takes none that another call has just left.
	own := e.transport.Clone()
	defer own.CloseIdleConnections()
	streamer, err := e.clientOn(own, speaker.ClientVersion())
	if err != nil {
		return err
	}
	streamCtx, got := withAnswer(streamCtx)
	messages, errs := streamer.Events(streamCtx, events.ListOptions{Since: timestamp(since), Filters: watchedFilter()})
	// The library's reader sends one error and closes errs when it ends; messages it never closes. Nothing of it outlives
	// this call.
	defer func() {
		cancel(nil)
		for range errs {
		}
	}()
	if got.status != http.StatusOK || !deadline.Stop() {
		cancel(nil) // an answer that is none (a redirect) would be read as a stream otherwise
		return e.streamFailure(ctx, streamCtx, op, *got, <-errs)
	}
	if err := connected(got.engine); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	for {
		select {
		case m := <-messages:
			if event, ok := decodeEvent(m); ok {
				handle(event)
			}
		case err := <-errs:
			if ctx.Err() != nil {
				return fmt.Errorf("%s: %w", op, ctx.Err())
			}
			return e.away(answer{}, fmt.Errorf("%s: %w at %s: the stream ended (%s)", op, ErrUnreachable, e.Host(),
				bodyFailure(err)))
		}
	}
}

// streamFailure is callFailure for a connection that is ended by cancelling it, also where that is its deadline.
func (e *Engine) streamFailure(ctx, streamCtx context.Context, op string, a answer, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", op, ctx.Err())
	}
	if cause := context.Cause(streamCtx); errors.Is(cause, errConnectDeadline) {
		a, err = answer{}, cause
	}
	return e.away(a, e.callFailure(ctx, op, e.timeout, http.StatusOK, a, err))
}

// Moment is one thing that an engine still remembers, of whatever kind.
type Moment struct {
	// Time is the engine's own.
	Time time.Time
	// ID is the full id of the container, or what else the event was about.
	ID string
	// Action is the first word of the event's action.
	Action Action
	// Event is what the stream tells of it; nil where the stream does not tell of such things.
	Event *Event
}

// RecentEvents returns what the engine still remembers from since on (its own time, inclusive; zero: everything),
// oldest first. That is at most its last 256 events of whatever kind: images, networks and health probes push out the
// others, so the oldest shows how far back the engine's memory reaches.
func (e *Engine) RecentEvents(ctx context.Context, since time.Time) ([]Moment, error) {
	// The engine ends the answer by itself only when until is past by its own clock.
	info, err := e.Info(ctx)
	if err != nil {
		return nil, err
	}
	if since.IsZero() {
		since = time.Unix(0, 1) // without a since the engine sends nothing of the past
	}
	if since.After(info.Time) {
		return nil, nil // the engine refuses a time span that ends before it begins
	}
	var moments []Moment
	const op = "read recent docker events"
	got, err := e.call(ctx, op, e.timeout, http.StatusOK, func(ctx context.Context, api *client.Client) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		messages, errs := api.Events(ctx, events.ListOptions{Since: timestamp(since), Until: timestamp(info.Time)})
		for {
			select {
			case m := <-messages:
				moment := Moment{Time: messageTime(m), ID: m.Actor.ID, Action: firstWord(m.Action)}
				if event, ok := decodeEvent(m); ok && slices.Contains(Actions(), event.Action) {
					moment.Event = &event
				}
				moments = append(moments, moment)
			case err := <-errs:
				if errors.Is(err, io.EOF) {
					return nil
				}
				return err
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if got.engine != info.Identity() {
		return nil, fmt.Errorf("%s: %w at %s: %s answered, and the address leads to %s", op, ErrUnreachable, e.Host(),
			got.engine, info.Identity())
	}
	return moments, nil
}

// timestamp writes a time as the events route reads it; the zero time as no time at all.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond())
}

// watchedFilter asks for the events of those actions.
func watchedFilter() filters.Args {
	args := filters.NewArgs(filters.Arg("type", string(events.ContainerEventType)))
	for _, action := range Actions() {
		args.Add("event", string(action))
	}
	return args
}
