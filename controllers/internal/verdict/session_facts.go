package verdict

import (
	"cmp"
	"fmt"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// SessionFacts are the fresh looks at one session and at what it claims, and since when their cause has been in sight.
type SessionFacts struct {
	// Row is the row as it was read.
	Row sessiondb.Row
	// RowFailed says that the row itself could not be read: Row holds nothing but the id.
	RowFailed bool
	// ClaimInvalid says that the claim can name no container.
	ClaimInvalid bool
	// OtherNode says that the row is of another node, or of none that is known.
	OtherNode bool
	// LookFailed says that a look ended in an error: nothing is known, whatever the other fields hold.
	LookFailed bool
	// Container is what the inspect of the claim proved.
	Container dockerwatch.Observation
	// Owner is who the container belongs to.
	Owner dockerwatch.Owner
	// Exclusive says that no two sessions share a container (ownership.exclusive).
	Exclusive bool
	// Others are the other rows, of all nodes, that claim the same container. Only read for ended rows.
	Others []sessiondb.Row
	// Replacement is the one labelled container of this session that runs, where the claimed one does not. Zero: there is
	// none, or more than one.
	Replacement dockerwatch.Observation
	// Held is how long the breaker still holds sessions whose container is gone and was not heard to be removed.
	Held time.Duration
	// Counted says that a sweep has counted how many are gone like this one. Held and Counted are only read where the
	// container of a live row is gone.
	Counted bool
	// Evidence is what the events said of the container that this claim was seen to mean.
	Evidence dockerwatch.Evidence
	// Renamed is the container that the claim of a live row was seen to mean, where it still exists though nothing has the
	// claimed name any more; zero where there is none.
	Renamed dockerwatch.Observation
	// NameReused says that the claim of an ended row was seen to mean a container that is gone, and that Container is
	// another one of the session's, which has the claimed name now.
	NameReused bool
	// SeenBefore says that this controller has seen this claim of this row mean a container while it was live.
	SeenBefore bool
	// Began is when the look at the container began, by this machine's clock, and Now the time then, by the engine's.
	Began, Now time.Time
	// ClaimedFor and CauseFor are how long ago this controller first saw this claim, and first saw it in this condition.
	ClaimedFor, CauseFor time.Duration
}

// remaining is how long is left of a grace that began at since (the engine's time; zero when no time is known), and
// never more than what is left since this controller first saw the cause: a wrong clock delays by one grace at most.
func (f SessionFacts) remaining(since time.Time, grace time.Duration) time.Duration {
	return remaining(f.Now, since, f.CauseFor, grace)
}

func remaining(now, since time.Time, causeFor, grace time.Duration) time.Duration {
	left := grace - causeFor
	if !since.IsZero() {
		left = min(left, grace-now.Sub(since))
	}
	return max(left, 0)
}

// untilSettled is when to look again at a container that is being restarted: after wait, or as soon as it would count
// as stable. Without a look while it runs, later restarts seem to belong to the same loop.
func (f SessionFacts) untilSettled(wait time.Duration) time.Duration {
	if f.Container.Phase == dockerwatch.Restarting {
		return wait
	}
	return min(wait, stableAfter-f.Now.Sub(f.Container.StartedAt))
}

// Intent says in a word or two what becomes of the session in the end, all effects taken together: "fail+remove" for an
// owned container, because what is failed is removed in the end.
func (f SessionFacts) Intent(v Verdict) string {
	if v.Action == Fail && f.Owner.Owned && !f.Owner.Keep {
		return "fail+remove"
	}
	return intent(v, f.Container.Phase)
}

// The causes that the container's state alone does not tell.
const (
	// CauseHealthy is a live row whose container runs, CauseLooping one whose container keeps being restarted, and
	// CauseHeld a row that is left as it is.
	CauseHealthy = "healthy"
	CauseLooping = "looping"
	CauseHeld    = "held"
)

// Cause names the condition that a wait is for: as long as it stays the same, the wait goes on.
func (f SessionFacts) Cause() string {
	c := f.Container
	if f.Row.Kind == sessiondb.StatusLive && c.Phase.Alive() {
		if looping(c, f.Now) {
			return CauseLooping
		}
		return CauseHealthy
	}
	return fmt.Sprintf("%s/%s/%s/%d/%s", f.Row.Kind, c.Phase, c.ID, c.FinishedAt.UnixNano(), f.Replacement.ID)
}

// DiedAt is the engine's time of the container's end; zero where that is not known, or where the container has not
// ended.
func (f SessionFacts) DiedAt() time.Time {
	switch {
	case f.Container.Phase == dockerwatch.Gone:
		return f.Evidence.EndedAt()
	case f.Container.Phase.Alive():
		return time.Time{}
	}
	return f.Container.FinishedAt
}

// Subject names the session and its container, for people: the container by its name or, where that is not known, by
// what the row claims.
func (f SessionFacts) Subject() (session, container string) {
	return f.Row.ID, cmp.Or(f.Container.Name, f.Row.Claim)
}
