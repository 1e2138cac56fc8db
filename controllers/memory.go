package controllers

import (
	"sync"
	"time"
)

// memory is what this process has seen and when: only ever used to wait, never to act. Losing it, as a restart does,
// makes a wait begin again where the looks themselves do not say when it began. It is safe for concurrent use.
type memory struct {
	mu       sync.Mutex
	sessions map[SessionKey]*sighting
	round    uint64
}

// sighting is what was seen of one session.
type sighting struct {
	claim   string
	claimed time.Time // when this claim was first seen
	cause   string
	since   time.Time // when this cause was first seen
	// container is the full id that the claim was seen to mean while the row was live; empty when it never was.
	container string
	// said is what was last reported about it, so that nothing is said twice.
	said  string
	round uint64
}

func newMemory() *memory {
	return &memory{sessions: map[SessionKey]*sighting{}}
}

// observe notes the claim and the condition of a session now and returns how long each has been in sight. A new claim
// makes everything new.
func (m *memory) observe(key SessionKey, claim, cause string) (claimedFor, causeFor time.Duration) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.session(key, claim, now)
	if s.cause != cause {
		s.cause, s.since = cause, now
	}
	return now.Sub(s.claimed), now.Sub(s.since)
}

// bind notes that the claim of a live row means this container: what happens to the container happened to the session.
func (m *memory) bind(key SessionKey, claim, container string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.session(key, claim, time.Now()).container = container
}

// bound returns the full id that the claim was seen to mean, or "" when this process never saw it exist.
func (m *memory) bound(key SessionKey, claim string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sessions[key]; s != nil && s.claim == claim {
		return s.container
	}
	return ""
}

// say reports whether text is news about the session: true the first time, false until something else was said.
func (m *memory) say(key SessionKey, claim, text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.session(key, claim, time.Now())
	if s.said == text {
		return false
	}
	s.said = text
	return true
}

// said reports whether text was the last thing said about the session with this claim.
func (m *memory) hasSaid(key SessionKey, claim, text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[key]
	return s != nil && s.claim == claim && s.said == text
}

// forget drops a session: it claims nothing any more, or its claim's meaning ended with the row.
func (m *memory) forget(key SessionKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, key)
}

// nextRound begins a sweep; keep marks a session as still there; prune drops those that neither this sweep nor the one
// before it met. Two rounds, because a session can be looked at for the first time while a sweep is under way.
func (m *memory) nextRound() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.round++
}

func (m *memory) keep(key SessionKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sessions[key]; s != nil {
		s.round = m.round
	}
}

func (m *memory) prune() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, s := range m.sessions {
		if s.round+1 < m.round {
			delete(m.sessions, key)
		}
	}
}

// session returns the sighting of a key, a new one when there is none or the claim has changed. m.mu is held.
func (m *memory) session(key SessionKey, claim string, now time.Time) *sighting {
	s := m.sessions[key]
	if s == nil || s.claim != claim {
		s = &sighting{claim: claim, claimed: now, since: now, round: m.round}
		m.sessions[key] = s
	}
	return s
}
