package engine

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/docker/docker/api/types/events"
)

const (
	// remembered is how many events a real engine keeps, of whatever kind.
	remembered = 256
	// backlog is how many events a real engine keeps for a subscriber that is slow; what is more is lost.
	backlog = 1024
)

// subscriber is one open event stream.
type subscriber struct {
	only   filters
	queue  chan events.Message
	held   []events.Message
	cancel context.CancelFunc
}

// emit tells everybody. e.mu is held.
func (e *Engine) emit(c *container, action string, more map[string]string) {
	if e.silent {
		return
	}
	attributes := map[string]string{"image": image, "name": c.Name}
	maps.Copy(attributes, c.Labels)
	maps.Copy(attributes, more)
	e.publish(c.ID, action, attributes)
}

// publish remembers an event and sends it to everybody. e.mu is held.
func (e *Engine) publish(id, action string, attributes map[string]string) {
	at := e.tick()
	m := events.Message{ // without what API 1.52 dropped
		Type: events.ContainerEventType, Action: events.Action(action),
		Actor: events.Actor{ID: id, Attributes: attributes}, Scope: "local", Time: at.Unix(), TimeNano: at.UnixNano(),
	}
	e.remember(m)
	delays := []time.Duration{0}
	if e.delivery != nil {
		delays = e.delivery(action, id)
	}
	for _, s := range e.subscribers {
		for _, d := range delays {
			if d == 0 {
				e.push(s, m)
				continue
			}
			time.AfterFunc(d, func() {
				e.mu.Lock()
				defer e.mu.Unlock()
				if slices.Contains(e.subscribers, s) {
					e.push(s, m)
				}
			})
		}
	}
}

// remember adds to the memory. It is cut to length from time to time only, as that moves all that is in it.
func (e *Engine) remember(m events.Message) {
	if len(e.recent) >= 16*remembered {
		e.recent = slices.Clone(e.memory())
	}
	e.recent = append(e.recent, m)
}

// memory is what the engine remembers. e.mu is held.
func (e *Engine) memory() []events.Message { return e.recent[max(len(e.recent)-remembered, 0):] }

// push hands an event to a subscriber, or drops it where that one is too slow. e.mu is held.
func (e *Engine) push(s *subscriber, m events.Message) {
	if !s.only.event(m) {
		return
	}
	if e.frozen {
		s.held = append(s.held, m)
		return
	}
	select {
	case s.queue <- m:
	default:
	}
}

// Deliver decides how the events that come reach the subscribers: for each event it returns how long after it each copy
// is sent. None drops the event, two double it, and delays of different length change the order. Nil: one copy at once.
// It must not call the engine.
func (e *Engine) Deliver(delivery func(action, container string) []time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.delivery = delivery
}

// FreezeStreams holds all events back while the connections stay open. With false they come, late.
func (e *Engine) FreezeStreams(frozen bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frozen = frozen
	if frozen {
		return
	}
	for _, s := range e.subscribers {
		held := s.held
		s.held = nil
		for _, m := range held {
			e.push(s, m)
		}
	}
}

// CutStreams ends the event streams that are open. What they have not been sent is lost.
func (e *Engine) CutStreams() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.subscribers {
		s.cancel()
	}
}

// Forget empties the engine's memory of events.
func (e *Engine) Forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.recent = nil
}

// subscribe begins a stream: what is remembered from since on, and then what comes.
func (e *Engine) subscribe(only filters, since time.Time, cancel context.CancelFunc) *subscriber {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &subscriber{only: only, queue: make(chan events.Message, backlog), cancel: cancel}
	if !since.IsZero() {
		for _, m := range e.memory() {
			if m.TimeNano >= since.UnixNano() {
				e.push(s, m)
			}
		}
	}
	e.subscribers = append(e.subscribers, s)
	return s
}

func (e *Engine) unsubscribe(s *subscriber) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subscribers = slices.DeleteFunc(e.subscribers, func(o *subscriber) bool { return o == s })
}
