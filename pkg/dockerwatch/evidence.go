package dockerwatch

import "time"

// Evidence is what the events said of one container since its last start. It is a hint that can shorten a wait and name
// a reason; it is never a substitute for a look. The zero value says that nothing was heard.
type Evidence struct {
	// DiedAt is the engine's time of the last die since the last start; zero when none was seen.
	DiedAt time.Time
	// DestroyedAt is the engine's time of the removal; zero when none was seen.
	DestroyedAt time.Time
	// ExitCode is what the die event carried; nil when it carried none.
	ExitCode *int
	// OOMKilled reports an oom event since the last start.
	OOMKilled bool
	// Crash reports that it died by itself: its die was seen, no kill since its start, and no gap in the stream.
	Crash bool
	// Stale reports that the stream has been interrupted since, and that it is not known to have missed nothing: the
	// container may have been started again, and ended later and for another reason than all this says.
	Stale bool
}

// Ended reports whether the events say that the container stopped or was removed.
func (e Evidence) Ended() bool { return !e.DiedAt.IsZero() || !e.DestroyedAt.IsZero() }

// EndedAt is when the container stopped or, where only its removal was heard, was removed; zero when neither was.
func (e Evidence) EndedAt() time.Time {
	if e.DiedAt.IsZero() {
		return e.DestroyedAt
	}
	return e.DiedAt
}
