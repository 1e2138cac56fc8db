package evidence

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// SessionTracker remembers what this process has seen of sessions and when: only ever used to wait, to name a reason
// and to tell one container from another that has its name. Losing it, as a restart does, makes a wait begin again
// where the looks themselves do not say when it began. It is safe for concurrent use.
type SessionTracker struct {
	mu       sync.Mutex
	sessions map[verdict.SessionKey]*sessionRecord
	// byContainer is sessionRecord.container the other way round.
	byContainer map[string]map[verdict.SessionKey]bool
	// sweep counts the sweeps.
	sweep uint64
}

// sessionRecord is what was seen of one session.
type sessionRecord struct {
	claim   string
	claimed time.Time // when this claim was first seen
	cause   string
	since   time.Time // when this cause was first seen
	// container is the full id that the claim was seen to mean while the row was live; empty when it never was.
	container string
	resolved  time.Time // when that was last recorded
	looked    time.Time // when the look began that saw it
	// ended says that the row has ended since: what the claim meant holds for the end of the session, not for a revival.
	ended bool
	// logged is what was last logged about it, so that nothing is logged twice.
	logged string
	// sweep is the last one that met the session, or during which it was looked at.
	sweep uint64
}

// NewSessionTracker returns a tracker that has seen nothing.
func NewSessionTracker() *SessionTracker {
	return &SessionTracker{
		sessions: map[verdict.SessionKey]*sessionRecord{}, byContainer: map[string]map[verdict.SessionKey]bool{},
	}
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
func (t *SessionTracker) past(key verdict.SessionKey, claim string, live bool) past {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sessions[key]
	if s == nil || s.claim != claim || live && s.ended {
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

// Record notes what a look saw. It returns the container that a session was seen to mean which claims nothing any more,
// or "". A look that failed saw nothing.
func (t *SessionTracker) Record(key verdict.SessionKey, f verdict.SessionFacts) (released string) {
	switch {
	case f.RowFailed, f.LookFailed:
		return ""
	case !f.Row.Claims(), f.OtherNode:
		return t.Forget(key)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.session(key, f.Row.Claim)
	cause := verdict.CauseHeld
	if f.Row.Kind != sessiondb.StatusUnknown && !f.ClaimInvalid {
		live := f.Row.Kind == sessiondb.StatusLive
		t.revive(key, s, live)
		cause = f.Cause()
		switch {
		case !live:
			s.ended = true
		case f.Container.Phase != dockerwatch.Gone && !f.Began.Before(s.looked):
			t.mean(key, s, f.Container.ID)
			s.resolved, s.looked, s.ended = time.Now(), f.Began, false
		}
	}
	if s.cause != cause {
		s.cause, s.since = cause, time.Now()
	}
	return ""
}

// SessionsOf returns the sessions whose claims were seen to mean a container.
func (t *SessionTracker) SessionsOf(container string) []verdict.SessionKey {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Keys(t.byContainer[container]))
}

// Forget drops a session, which claims nothing any more, and returns the container that it was seen to mean, or "".
func (t *SessionTracker) Forget(key verdict.SessionKey) (container string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.sessions[key]; s != nil {
		container = s.container
	}
	t.drop(key)
	return container
}

// session returns the record of a key, a new one when there is none or the claim has changed. t.mu is held.
func (t *SessionTracker) session(key verdict.SessionKey, claim string) *sessionRecord {
	s := t.sessions[key]
	if s == nil || s.claim != claim {
		t.drop(key)
		now := time.Now()
		s = &sessionRecord{claim: claim, claimed: now, since: now}
		t.sessions[key] = s
	}
	s.sweep = t.sweep
	return s
}

// revive makes the record of a session that had ended begin anew when the row is live. t.mu is held.
func (t *SessionTracker) revive(key verdict.SessionKey, s *sessionRecord, live bool) {
	if !live || !s.ended {
		return
	}
	t.mean(key, s, "")
	s.ended, s.claimed, s.cause = false, time.Now(), ""
}

// mean points a sessionRecord at a container, or at none. t.mu is held.
func (t *SessionTracker) mean(key verdict.SessionKey, s *sessionRecord, container string) {
	if s.container == container {
		return
	}
	if keys := t.byContainer[s.container]; keys != nil {
		delete(keys, key)
		if len(keys) == 0 {
			delete(t.byContainer, s.container)
		}
	}
	s.container = container
	if container == "" {
		return
	}
	if t.byContainer[container] == nil {
		t.byContainer[container] = map[verdict.SessionKey]bool{}
	}
	t.byContainer[container][key] = true
}

// drop forgets a session. t.mu is held.
func (t *SessionTracker) drop(key verdict.SessionKey) {
	if s := t.sessions[key]; s != nil {
		t.mean(key, s, "")
		delete(t.sessions, key)
	}
}
