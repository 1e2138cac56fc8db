package controllers

import (
	"fmt"
	"sync"

	"github.com/session-controller/session-controller/controllers/internal/apply"
)

// slowShare is the part of the workers that keys whose last call timed out may hold: a quarter.
const slowShare = 4

// errSlowLaneFull says that as many keys whose calls hang as may are being looked at.
var errSlowLaneFull = fmt.Errorf("too many containers that do not answer are being looked at: %w", apply.ErrBusy)

// slowLane keeps containers that do not answer from holding all workers. A call that hangs holds its worker until its
// deadline; a key whose last pass ended so is let in only while fewer than a quarter of the workers (one at least) are
// busy with such keys. It is safe for concurrent use.
//
// It may also have been the whole engine that did not answer, and then there can be thousands of such keys. When a
// sweep shows that it is back, all are forgiven. As soon as one of them is answered, those that were turned away are
// called in after it, two for each: they need not wait for their backoff, and a container that hangs for good still
// holds no more than a place.
type slowLane[K comparable] struct {
	width int

	mu   sync.Mutex
	slow map[K]bool
	in   int
	// away were turned away since they were last let in.
	away map[K]bool
}

func newSlowLane[K comparable](workers int) *slowLane[K] {
	return &slowLane[K]{width: max(1, workers/slowShare), slow: map[K]bool{}, away: map[K]bool{}}
}

// enter lets a key in, or reports false: it has to wait for its turn. leave must be called when the pass has ended, and
// told whether a call timed out; it returns the keys whose turn has come.
func (l *slowLane[K]) enter(key K) (release func(timedOut bool) (next []K), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slow := l.slow[key]
	if slow {
		if l.in >= l.width {
			l.away[key] = true
			return nil, false
		}
		l.in++
	}
	delete(l.away, key)
	return func(timedOut bool) (next []K) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if slow {
			l.in--
		}
		if timedOut {
			l.slow[key] = true
			return nil
		}
		delete(l.slow, key)
		if slow {
			next = l.call()
		}
		return next
	}, true
}

// forgive forgets which keys were slow: it was the engine that did not answer, and now it does. What the sweep that
// shows it finds adrift is looked at by all workers at once; a container that hangs for good is slow again after one
// call.
func (l *slowLane[K]) forgive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.slow)
	clear(l.away)
}

// call takes those who are called in after one that was answered. mu is held.
func (l *slowLane[K]) call() (next []K) {
	const each = 2 // more than one, so that they become as many as there is room for
	for key := range l.away {
		if len(next) == each {
			break
		}
		delete(l.away, key)
		next = append(next, key)
	}
	return next
}
