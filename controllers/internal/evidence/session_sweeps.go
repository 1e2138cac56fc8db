package evidence

import (
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// BeginSweep begins a sweep.
func (t *SessionTracker) BeginSweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep++
}

// Keep marks a session that the sweep meets.
func (t *SessionTracker) Keep(key verdict.SessionKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.sessions[key]; s != nil {
		s.sweep = t.sweep
	}
}

// EndSweep forgets the sessions that the sweep did not meet and that were not looked at since it began.
func (t *SessionTracker) EndSweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, s := range t.sessions {
		if s.sweep < t.sweep {
			t.drop(key)
		}
	}
}

// MetHealthy notes that a sweep found a live row's container running: what was wrong with it is over. That it keeps
// being restarted is not: a snapshot cannot tell.
func (t *SessionTracker) MetHealthy(key verdict.SessionKey, claim string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.session(key, claim)
	t.revive(key, s, true)
	if s.cause != verdict.CauseLooping && s.cause != verdict.CauseHealthy {
		s.cause, s.since = verdict.CauseHealthy, time.Now()
	}
}

// Resolve notes that the claim of a live row means this container, as a look showed that began at looked: what happens
// to the container happened to the session. An older look says nothing over a newer one.
func (t *SessionTracker) Resolve(key verdict.SessionKey, claim, container string, looked time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.session(key, claim)
	if looked.Before(s.looked) {
		return
	}
	t.mean(key, s, container)
	s.resolved, s.looked, s.ended = time.Now(), looked, false
}

// Resolved returns the full id of the container that the claim of a live row was seen to mean, or "".
func (t *SessionTracker) Resolved(key verdict.SessionKey, claim string) string {
	return t.past(key, claim, true).container
}

// ClaimedBefore reports whether the live row was seen with this claim before when, and has been seen neither to end nor
// to mean anything since.
func (t *SessionTracker) ClaimedBefore(key verdict.SessionKey, claim string, when time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sessions[key]
	return s != nil && s.claim == claim && !s.ended && s.claimed.Before(when) && s.resolved.Before(when)
}

// Ended notes that the row of a session that was seen has ended.
func (t *SessionTracker) Ended(key verdict.SessionKey, claim string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.sessions[key]; s != nil && s.claim == claim {
		s.ended = true
	}
}
