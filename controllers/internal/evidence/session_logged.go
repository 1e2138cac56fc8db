package evidence

import "github.com/session-controller/session-controller/controllers/internal/verdict"

// ShouldLog reports whether text is news about the session: true the first time, false until something else was said.
func (t *SessionTracker) ShouldLog(key verdict.SessionKey, claim, text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.session(key, claim)
	if s.logged == text {
		return false
	}
	s.logged = text
	return true
}

// ShouldLogFailure is say for a failure, which need not know the claim: nothing else that was seen is lost over it.
func (t *SessionTracker) ShouldLogFailure(key verdict.SessionKey, text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sessions[key]
	if s == nil {
		return true
	}
	news := s.logged != text
	s.logged = text
	return news
}

// Logged reports whether text was the last thing said about the session with this claim.
func (t *SessionTracker) Logged(key verdict.SessionKey, claim, text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sessions[key]
	return s != nil && s.claim == claim && s.logged == text
}

// Reported is how a tracker remembers that a reason was reported.
func Reported(reason verdict.Reason) string { return "reported " + string(reason) }
