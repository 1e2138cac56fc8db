package controllers

import (
	"fmt"
	"sync"
)

// slowShare is the part of the workers that keys whose last call timed out may hold: a quarter.
const slowShare = 4

// errSlowLaneFull says that as many keys whose calls hang as may are being looked at.
var errSlowLaneFull = fmt.Errorf("too many containers that do not answer are being looked at: %w", errBusy)

// slowLane keeps containers that do not answer from holding all workers. A call that hangs holds its worker until its
// deadline; a key whose last pass ended so is let in only while fewer than a quarter of the workers (one at least) are
// busy with such keys. It is safe for concurrent use.
type slowLane[K comparable] struct {
	width int

	mu   sync.Mutex
	slow map[K]bool
	in   int
}

func newSlowLane[K comparable](workers int) *slowLane[K] {
	return &slowLane[K]{width: max(1, workers/slowShare), slow: map[K]bool{}}
}

// enter lets a key in, or reports false: it has to wait for its turn. leave must be called when the pass has ended, and
// told whether a call timed out.
func (l *slowLane[K]) enter(key K) (leave func(timedOut bool), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slow := l.slow[key]
	if slow {
		if l.in >= l.width {
			return nil, false
		}
		l.in++
	}
	return func(timedOut bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if slow {
			l.in--
		}
		if timedOut {
			l.slow[key] = true
		} else {
			delete(l.slow, key)
		}
	}, true
}
