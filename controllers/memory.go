package controllers

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// memory is what this process has seen and when: only ever used to wait, to name a reason and to tell one container
// from another that has its name. Losing it, as a restart does, makes a wait begin again where the looks themselves do
// not say when it began. It is safe for concurrent use.
type memory struct {
	mu       sync.Mutex
	sessions map[verdict.SessionKey]*sighting
	// meaning is sighting.container the other way round.
	meaning map[string]map[verdict.SessionKey]bool
	round   uint64
}

// sighting is what was seen of one session.
type sighting struct {
	claim   string
	claimed time.Time // when this claim was first seen
	cause   string
	since   time.Time // when this cause was first seen
	// container is the full id that the claim was seen to mean while the row was live; empty when it never was.
	container string
	bound     time.Time // when that was last seen
	looked    time.Time // when the look began that saw it
	// over says that the row has ended since: what the claim meant holds for the end of the session, not for a revival.
	over bool
	// said is what was last reported about it, so that nothing is said twice.
	said string
	// round is the last sweep that met the session, or during which it was looked at.
	round uint64
}

func newMemory() *memory {
	return &memory{sessions: map[verdict.SessionKey]*sighting{}, meaning: map[string]map[verdict.SessionKey]bool{}}
}

// past is what was seen of a session before a look; the zero value where nothing was seen of its claim.
type past struct {
	// container is the full id that the claim was seen to mean, and looked when the look began that saw it last.
	container string
	looked    time.Time
	// claimed and since are when the claim and the cause were first seen.
	claimed, since time.Time
	cause          string
}

// past returns what was seen of a session with this claim. A revived session is a new one: its name may have been saved
// ahead of another container than it had before.
func (m *memory) past(key verdict.SessionKey, claim string, live bool) past {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[key]
	if s == nil || s.claim != claim || live && s.over {
		return past{}
	}
	return past{container: s.container, looked: s.looked, claimed: s.claimed, since: s.since, cause: s.cause}
}

// claimedFor returns for how long the claim had been in sight at a time: how long the rest of a look takes is no part
// of any grace.
func (p past) claimedFor(looked time.Time) time.Duration {
	if p.claimed.IsZero() {
		return 0
	}
	return max(0, looked.Sub(p.claimed))
}

// causeFor returns for how long this cause had been in sight at a time.
func (p past) causeFor(cause string, looked time.Time) time.Duration {
	if p.claimed.IsZero() || p.cause != cause {
		return 0
	}
	return max(0, looked.Sub(p.since))
}

// record notes what a look saw. It returns the container that a session was seen to mean which claims nothing any more,
// or "". A look that failed saw nothing.
func (m *memory) record(key verdict.SessionKey, f verdict.SessionFacts) (released string) {
	switch {
	case f.RowFailed, f.LookFailed:
		return ""
	case !f.Row.Claims(), f.OtherNode:
		return m.forget(key)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.session(key, f.Row.Claim)
	cause := verdict.CauseHeld
	if f.Row.Kind != sessiondb.StatusUnknown && !f.ClaimInvalid {
		live := f.Row.Kind == sessiondb.StatusLive
		m.revive(key, s, live)
		cause = f.Cause()
		switch {
		case !live:
			s.over = true
		case f.Container.Phase != dockerwatch.Gone && !f.Began.Before(s.looked):
			m.mean(key, s, f.Container.ID)
			s.bound, s.looked, s.over = time.Now(), f.Began, false
		}
	}
	if s.cause != cause {
		s.cause, s.since = cause, time.Now()
	}
	return ""
}

// metHealthy notes that a sweep found a live row's container running: what was wrong with it is over. That it keeps
// being restarted is not: a snapshot cannot tell.
func (m *memory) metHealthy(key verdict.SessionKey, claim string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.session(key, claim)
	m.revive(key, s, true)
	if s.cause != verdict.CauseLooping && s.cause != verdict.CauseHealthy {
		s.cause, s.since = verdict.CauseHealthy, time.Now()
	}
}

// bind notes that the claim of a live row means this container, as a look showed that began at looked: what happens to
// the container happened to the session.
func (m *memory) bind(key verdict.SessionKey, claim, container string, looked time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.session(key, claim)
	if looked.Before(s.looked) {
		return
	}
	m.mean(key, s, container)
	s.bound, s.looked, s.over = time.Now(), looked, false
}

// claimedBefore reports whether the live row was seen with this claim before t, and has been seen neither to end nor to
// mean anything since.
func (m *memory) claimedBefore(key verdict.SessionKey, claim string, t time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[key]
	return s != nil && s.claim == claim && !s.over && s.claimed.Before(t) && s.bound.Before(t)
}

// ended notes that the row of a session that was seen has ended.
func (m *memory) ended(key verdict.SessionKey, claim string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sessions[key]; s != nil && s.claim == claim {
		s.over = true
	}
}

// boundTo returns the sessions whose claims were seen to mean a container.
func (m *memory) boundTo(container string) []verdict.SessionKey {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.meaning[container]))
}

// say reports whether text is news about the session: true the first time, false until something else was said.
func (m *memory) say(key verdict.SessionKey, claim, text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.session(key, claim)
	if s.said == text {
		return false
	}
	s.said = text
	return true
}

// complain is say for a failure, which need not know the claim: nothing else that was seen is lost over it.
func (m *memory) complain(key verdict.SessionKey, text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[key]
	if s == nil {
		return true
	}
	news := s.said != text
	s.said = text
	return news
}

// hasSaid reports whether text was the last thing said about the session with this claim.
func (m *memory) hasSaid(key verdict.SessionKey, claim, text string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[key]
	return s != nil && s.claim == claim && s.said == text
}

// forget drops a session, which claims nothing any more, and returns the container that it was seen to mean, or "".
func (m *memory) forget(key verdict.SessionKey) (container string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sessions[key]; s != nil {
		container = s.container
	}
	m.drop(key)
	return container
}

// nextRound begins a sweep; keep marks a session that the sweep meets; prune drops those that it did not meet and that
// were not looked at since it began.
func (m *memory) nextRound() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.round++
}

func (m *memory) keep(key verdict.SessionKey) {
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
		if s.round < m.round {
			m.drop(key)
		}
	}
}

// session returns the sighting of a key, a new one when there is none or the claim has changed. m.mu is held.
func (m *memory) session(key verdict.SessionKey, claim string) *sighting {
	s := m.sessions[key]
	if s == nil || s.claim != claim {
		m.drop(key)
		now := time.Now()
		s = &sighting{claim: claim, claimed: now, since: now}
		m.sessions[key] = s
	}
	s.round = m.round
	return s
}

// revive makes a sighting that was over begin anew when the row is live. m.mu is held.
func (m *memory) revive(key verdict.SessionKey, s *sighting, live bool) {
	if !live || !s.over {
		return
	}
	m.mean(key, s, "")
	s.over, s.claimed, s.cause = false, time.Now(), ""
}

// mean points a sighting at a container, or at none. m.mu is held.
func (m *memory) mean(key verdict.SessionKey, s *sighting, container string) {
	if s.container == container {
		return
	}
	if keys := m.meaning[s.container]; keys != nil {
		delete(keys, key)
		if len(keys) == 0 {
			delete(m.meaning, s.container)
		}
	}
	s.container = container
	if container == "" {
		return
	}
	if m.meaning[container] == nil {
		m.meaning[container] = map[verdict.SessionKey]bool{}
	}
	m.meaning[container][key] = true
}

// drop forgets a session. m.mu is held.
func (m *memory) drop(key verdict.SessionKey) {
	if s := m.sessions[key]; s != nil {
		m.mean(key, s, "")
		delete(m.sessions, key)
	}
}
