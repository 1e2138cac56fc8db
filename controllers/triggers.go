package controllers

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

const (
	// eventBacklog bounds the events that wait for their rows to be found. The engine drops a subscriber's events after
	// 1,024; four times that is a storm, and a sweep is the better answer to it.
	eventBacklog = 4096
	// eventBatch bounds the containers of one query: 108 claims each could mean one, and PostgreSQL takes some thousand
	// values in an array without noticing.
	eventBatch = 32
	// lookupTimeout bounds the query for the rows of a batch; a database that is slower than that is left to the sweep.
	lookupTimeout = 5 * time.Second
)

// worthALook are the actions after which a row may disagree with its container. The others only go into the history.
func worthALook(a dockerwatch.Action) bool {
	switch a {
	case dockerwatch.ActionStart, dockerwatch.ActionDie, dockerwatch.ActionOOM, dockerwatch.ActionDestroy,
		dockerwatch.ActionRename:
		return true
	case dockerwatch.ActionCreate, dockerwatch.ActionKill, dockerwatch.ActionStop, dockerwatch.ActionPause,
		dockerwatch.ActionUnpause:
	}
	return false
}

// eventTrigger turns the engine's events into keys: the sessions that claim the container, or the container where none
// does. An event is a hint: it may be lost, late or doubled, and the sweep finds what it missed.
type eventTrigger struct {
	store     SessionStore
	ownership dockerwatch.Ownership
	backlog   chan dockerwatch.Event
	tracker   *evidence.SessionTracker
	session   func(context.Context, verdict.SessionKey) error
	container func(context.Context, verdict.ContainerKey) error
	requests  *requests.Requests
	log       logr.Logger
}

func newEventTrigger(
	c *core, session func(context.Context, verdict.SessionKey) error,
	container func(context.Context, verdict.ContainerKey) error,
) *eventTrigger {
	return &eventTrigger{
		store: c.Store, ownership: c.Ownership, tracker: c.sessionTracker,
		backlog: make(chan dockerwatch.Event, eventBacklog),
		session: session, container: container, requests: c.requests, log: c.Log,
	}
}

// handle takes an event from the stream. It never blocks: what does not fit is left to a sweep.
func (t *eventTrigger) handle(e dockerwatch.Event) {
	if !worthALook(e.Action) {
		return
	}
	select {
	case t.backlog <- e:
	default:
		t.requests.Sweep()
	}
}

// Start finds the sessions of the events until ctx ends.
func (t *eventTrigger) Start(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-t.backlog:
			if err := t.find(ctx, t.gather(e)); err != nil && ctx.Err() == nil {
				t.log.V(1).Info("Looking up the sessions of an event failed, requesting a sweep", "error", err.Error())
				t.requests.Sweep()
			}
		}
	}
}

// gather takes what else is waiting, so that a storm costs one query for many containers.
func (t *eventTrigger) gather(first dockerwatch.Event) []dockerwatch.Event {
	batch := []dockerwatch.Event{first}
	for len(batch) < eventBatch {
		select {
		case e := <-t.backlog:
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

func (t *eventTrigger) find(ctx context.Context, batch []dockerwatch.Event) error {
	sessions := map[verdict.SessionKey]bool{}
	claims := map[string]string{} // what could be claimed of each container
	for _, e := range batch {
		for _, claim := range dockerwatch.References(e.ID, e.Name) {
			claims[claim] = e.ID
		}
		// Those that were seen to claim it need no query. One that claims it no longer must be looked at, too, or what it
		// claimed is remembered too long.
		for _, key := range t.tracker.SessionsOf(e.ID) {
			if sessions[key] {
				continue
			}
			sessions[key] = true
			if err := t.session(ctx, key); err != nil {
				return err
			}
		}
	}
	readCtx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	rows, err := t.store.Claimants(readCtx, slices.Collect(maps.Keys(claims)))
	if err != nil {
		return err
	}
	claimed := map[string]bool{}
	for _, row := range rows {
		claimed[claims[row.Claim]] = true
		key := SessionKey(row.ID)
		if sessions[key] {
			continue
		}
		sessions[key] = true
		if err := t.session(ctx, key); err != nil {
			return err
		}
	}
	return t.hint(ctx, batch, claimed)
}

// hint nominates the owned containers that no row claims: the waits for their sessions to claim them begin now.
func (t *eventTrigger) hint(ctx context.Context, batch []dockerwatch.Event, claimed map[string]bool) error {
	for _, e := range batch {
		if claimed[e.ID] || e.Action == dockerwatch.ActionDestroy || !t.ownership.Judge(e.Name, e.Labels).Owned {
			continue
		}
		if err := t.container(ctx, ContainerKey(e.ID)); err != nil {
			return err
		}
	}
	return nil
}
