package controllers

import (
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// ContainerFacts are the fresh looks at a container that no row seems to claim, and since when their cause has been in
// sight.
type ContainerFacts struct {
	// Container is what the inspect of its full id proved, before any row was read.
	Container dockerwatch.Observation
	// Owner is who it belongs to.
	Owner dockerwatch.Owner
	// LookFailed says that a look ended in an error: nothing is known, whatever the other fields hold.
	LookFailed bool
	// Claimants are the rows, of all nodes, that claim it.
	Claimants []sessiondb.Row
	// Session is the owner's row, of whatever node; meaningful only with SessionFound.
	Session      sessiondb.Row
	SessionFound bool
	// SessionInvalid says that the owner can be no id of the sessions table.
	SessionInvalid bool
	// Elsewhere says that the owner's row is of another node, or of none that is known.
	Elsewhere bool
	// ClaimInvalid says that the claim of the owner's row can name no container.
	ClaimInvalid bool
	// Claimed is what the owner's row claims in its place. Zero where it claims nothing, or is not live on this node.
	Claimed dockerwatch.Observation
	// ClaimedTaken says that Claimed is labelled with another session.
	ClaimedTaken bool
	// Alone says that no other container of its session runs.
	Alone bool
	// Predates says that the container may be of an earlier session that had the same id.
	Predates bool
	// TableEmpty says that the sessions table has no row at all, Tripped that too many containers are without a row. Only
	// read where something would be removed.
	TableEmpty, Tripped bool
	// Now is the engine's clock.
	Now time.Time
	// CauseFor is how long ago this controller first saw it in this condition, and WatchedFor how long ago it did so when
	// no more than goneGrace was left of leakGrace.
	CauseFor, WatchedFor time.Duration
}

// DecideContainer is the second table of the design (section 3): pure, total, first match wins.
func DecideContainer(p Policy, f ContainerFacts) Verdict {
	switch {
	case f.LookFailed: // row b
		return Verdict{Action: Retry, Reason: LookFailed}
	case f.Container.Phase == dockerwatch.Gone, !f.Owner.Owned:
		return Verdict{Action: Nothing}
	case len(f.Claimants) > 0: // row a
		return Verdict{Action: Nothing}
	case f.Owner.Keep: // row b
		return Verdict{Action: Hold, Reason: ContainerKept}
	case f.SessionInvalid: // row b: no row can say what this container is for
		return Verdict{Action: Hold, Reason: SessionInvalid}
	case f.SessionFound && f.Session.Kind == sessiondb.StatusUnknown: // row b
		return Verdict{Action: Hold, Reason: StatusUnknown}
	case f.SessionFound && f.Session.NodeNull: // row b
		return Verdict{Action: Hold, Reason: SessionElsewhere}
	case f.ClaimInvalid: // row b
		return Verdict{Action: Hold, Reason: ClaimInvalid}
	}
	return permitted(p, f, decideUnclaimed(p, f))
}

// decideUnclaimed is rows d, e and f, as if the container were labelled.
func decideUnclaimed(p Policy, f ContainerFacts) Verdict {
	if !f.SessionFound || f.Session.Kind == sessiondb.StatusEnded { // row f
		return f.leaked(ContainerLeaked, p)
	}
	switch {
	case f.Elsewhere:
		return Verdict{Action: Hold, Reason: SessionElsewhere}
	case !f.Session.Claims(): // row d
		return f.unrecorded(p)
	case f.ClaimedTaken: // the claim is in doubt, so this one may be the session's
		return Verdict{Action: Report, Reason: ContainerTaken}
	case f.Claimed.Phase == dockerwatch.Running && f.Claimed.ID != f.Container.ID: // row e
		return f.leaked(ContainerSuperseded, p)
	}
	return Verdict{Action: Nothing} // the first table fails the session, or points its claim here
}

// unrecorded is row d: the server died before it saved the claim.
func (f ContainerFacts) unrecorded(p Policy) Verdict {
	v := Verdict{Action: Adopt, Reason: ContainerUnrecorded, Wait: max(p.AdoptAfter.Duration-f.CauseFor, 0)}
	if f.Container.Phase == dockerwatch.Running && f.Alone && !f.Predates {
		return v
	}
	// Nobody can know which container the session means, or it does not run: the server is still at it, or people must.
	if v.Action = Report; v.Wait > 0 {
		v.Action = Nothing
	}
	return v
}

// leaked is the next step towards the removal of a container that nobody wants any more. The last two looks before it
// are goneGrace apart, however old the container seems to be: its age is told by two clocks, and one of them may just
// have been set; and between two looks that are far apart a row may have claimed it and be lost since.
func (f ContainerFacts) leaked(reason Reason, p Policy) Verdict {
	v := removal(f.Container.Phase, reason)
	if !v.Drift() {
		return v
	}
	left := f.leakGraceLeft(p)
	if left > p.GoneGrace.Duration {
		v.Wait, v.Again = left, left-p.GoneGrace.Duration
		return v
	}
	v.Wait = max(left, p.GoneGrace.Duration-f.WatchedFor)
	return v
}

// leakGraceLeft is how long is left of leakGrace.
func (f ContainerFacts) leakGraceLeft(p Policy) time.Duration {
	return remaining(f.Now, f.Container.Created, f.CauseFor, p.LeakGrace.Duration)
}

// permitted is row c and the guards: what is not labelled is only reported, and so is everything that would be removed
// where nothing may be; nothing is removed while the rows themselves are in doubt.
func permitted(p Policy, f ContainerFacts, v Verdict) Verdict {
	removes := v.Action == Stop || v.Action == Remove || v.Action == RemoveDead
	switch {
	case f.Container.Phase == dockerwatch.Removing && !p.labelled(f.Owner): // it is not ours to wait for
		return Verdict{Action: Nothing}
	case !v.Drift():
		return v
	case !p.labelled(f.Owner), removes && p.RemoveLeaked == RemoveNone:
		if v.Action = Report; v.Wait > 0 {
			v.Action = Nothing
		}
	case removes && f.TableEmpty:
		return Verdict{Action: Hold, Reason: TableEmpty}
	case removes && f.Tripped:
		return Verdict{Action: Hold, Reason: BreakerTripped}
	}
	return v
}

// labelled reports whether a container is this installation's beyond doubt, or is to be taken for it.
func (p Policy) labelled(o dockerwatch.Owner) bool {
	return o.Labelled || (p.RemoveLeaked == RemoveAll && o.Owned)
}

// intent is "none" for what is only told.
func (f ContainerFacts) intent(v Verdict) string { return intent(v, f.Container.Phase) }
