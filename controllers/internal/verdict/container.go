package verdict

import (
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// DecideContainer is the second table of docs/how-it-works.md, about a container that no row claims. The first rule
// that fits decides.
func DecideContainer(p Policy, f ContainerFacts) Verdict {
	switch {
	case f.LookFailed:
		return Verdict{Rule: "b", Action: Retry, Reason: LookFailed}
	case f.Container.Phase == dockerwatch.Gone, !f.Owner.Owned:
		return Verdict{Rule: "n", Action: Nothing}
	case len(f.Claimants) > 0:
		return Verdict{Rule: "a", Action: Nothing}
	case f.Owner.Keep:
		return Verdict{Rule: "b", Action: Hold, Reason: ContainerKept}
	case f.SessionInvalid: // no row can say what this container is for
		return Verdict{Rule: "b", Action: Hold, Reason: SessionInvalid}
	case f.SessionFound && f.Session.Kind == sessiondb.StatusUnknown:
		return Verdict{Rule: "b", Action: Hold, Reason: StatusUnknown}
	case f.SessionFound && f.Session.NodeNull:
		return Verdict{Rule: "b", Action: Hold, Reason: SessionElsewhere}
	case f.ClaimInvalid:
		return Verdict{Rule: "b", Action: Hold, Reason: ClaimInvalid}
	}
	return guarded(p, f, decideUnclaimed(p, f))
}

// decideUnclaimed is rules d, e and f, as if the container were labelled.
func decideUnclaimed(p Policy, f ContainerFacts) Verdict {
	if !f.SessionFound || f.Session.Kind == sessiondb.StatusEnded {
		return f.leaked("f", ContainerLeaked, p)
	}
	switch {
	case f.OtherNode:
		return Verdict{Rule: "b", Action: Hold, Reason: SessionElsewhere}
	case !f.Session.Claims():
		return f.unrecorded(p)
	case f.ClaimedTaken: // the claim is in doubt, so this one may be the session's
		return Verdict{Rule: "e", Action: Report, Reason: ContainerTaken}
	case f.Claimed.Phase == dockerwatch.Running && f.Claimed.ID != f.Container.ID:
		return f.leaked("e", ContainerSuperseded, p)
	}
	return Verdict{Rule: "e", Action: Nothing} // the first table fails the session, or points its claim here
}

// unrecorded is rule d: the server died before it saved the claim.
func (f ContainerFacts) unrecorded(p Policy) Verdict {
	v := Verdict{Rule: "d", Action: Adopt, Reason: ContainerUnrecorded, Wait: max(p.AdoptAfter.Duration-f.CauseFor, 0)}
	if f.Container.Phase == dockerwatch.Running && f.Alone && !f.Predates {
		return v
	}
	// Which container the session means cannot be known, or it does not run: the server is still making it, or people must
	// look into it.
	if v.Action = Report; v.Wait > 0 {
		v.Action = Nothing
	}
	return v
}

// leaked is the next step towards the removal of a container that is not wanted any more. The last two looks before it
// are goneGrace apart, however old the container seems to be: its age is told by two clocks, and one of them may just
// have been set; and between two looks that are far apart a row may have claimed it and be lost since.
func (f ContainerFacts) leaked(rule string, reason Reason, p Policy) Verdict {
	v := removal(rule, f.Container.Phase, reason)
	if !v.Drift() {
		return v
	}
	left := f.LeakGraceLeft(p)
	if left > p.GoneGrace.Duration {
		v.Wait, v.Again = left, left-p.GoneGrace.Duration
		return v
	}
	v.Wait = max(left, p.GoneGrace.Duration-f.WatchedFor)
	return v
}

// guarded is rule c and the guards: what is not labelled is only reported, and so is everything that would be destroyed
// where nothing may be; nothing is destroyed while the rows themselves are in doubt.
func guarded(p Policy, f ContainerFacts, v Verdict) Verdict {
	switch {
	case f.Container.Phase == dockerwatch.Removing && !p.Labelled(f.Owner): // it is not ours to wait for
		return Verdict{Rule: "c", Action: Nothing}
	case !v.Drift():
		return v
	case !p.Labelled(f.Owner), v.Destroys() && p.RemoveLeaked == RemoveNone:
		v.Rule = "c"
		if v.Action = Report; v.Wait > 0 {
			v.Action = Nothing
		}
	case v.Destroys() && f.TableEmpty:
		return Verdict{Rule: v.Rule, Action: Hold, Reason: TableEmpty}
	case v.Destroys() && f.Tripped:
		return Verdict{Rule: v.Rule, Action: Hold, Reason: BreakerTripped}
	case v.Destroys() && v.Due() && !f.Counted:
		return Verdict{Rule: v.Rule, Action: Retry, Reason: AwaitingSweep}
	}
	return v
}
