package controllers

import (
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Facts are the fresh looks that one verdict is made from, and since when their cause has been in sight.
type Facts struct {
	// Row is the row as it was read.
	Row sessiondb.Row
	// RowFailed says that the row itself could not be read: Row holds nothing but the id.
	RowFailed bool
	// ClaimInvalid says that the claim can name no container.
	ClaimInvalid bool
	// Elsewhere says that the row is of another node, or of none that is known.
	Elsewhere bool
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
	// Evidence is what the events said of the container that this claim was seen to mean.
	Evidence dockerwatch.Evidence
	// Renamed is the full id of the container that the claim of a live row was seen to mean, where it still exists though
	// nothing has the claimed name any more.
	Renamed string
	// Remade says that the claim of an ended row was seen to mean a container that is gone, and that Container is another
	// one of the session's, which has the claimed name now.
	Remade bool
	// SeenBefore says that this controller has seen this claim of this row mean a container while it was live.
	SeenBefore bool
	// Now is the engine's clock.
	Now time.Time
	// ClaimedFor and CauseFor are how long ago this controller first saw this claim, and first saw it in this condition.
	ClaimedFor, CauseFor time.Duration
}

// remaining is how long is left of a grace that began at since (the engine's time; zero when no time is known), and
// never more than what is left since this controller first saw the cause: a wrong clock delays by one grace at most.
func (f Facts) remaining(since time.Time, grace time.Duration) time.Duration {
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
// as stable. A run that nobody looks at is followed by restarts that seem to be the same ones.
func (f Facts) untilSettled(wait time.Duration) time.Duration {
	if f.Container.Phase == dockerwatch.Restarting {
		return wait
	}
	return min(wait, stableAfter-f.Now.Sub(f.Container.StartedAt))
}

// intent is "fail+remove" for an owned container: what is failed is removed in the end.
func (f Facts) intent(v Verdict) string {
	if v.Action == Fail && f.Owner.Owned && !f.Owner.Keep {
		return "fail+remove"
	}
	return intent(v, f.Container.Phase)
}
