package verdict

// Reason names a disagreement between a row and its container. The words are an interface: logs, plan and metrics carry
// them as they stand here.
type Reason string

// The reasons of the first table, about sessions and what they claim.
const (
	ReasonNone         Reason = ""
	StatusUnknown      Reason = "StatusUnknown"
	ClaimInvalid       Reason = "ClaimInvalid"
	LookFailed         Reason = "LookFailed"
	ContainerTaken     Reason = "ContainerTaken"
	ContainerLooping   Reason = "ContainerCrashLooping"
	NeverStarted       Reason = "NeverStarted"
	ContainerExited    Reason = "ContainerExited"
	ContainerOOMKilled Reason = "ContainerOOMKilled"
	ContainerGone      Reason = "ContainerGone"
	ContainerShared    Reason = "ContainerShared"
	ContainerReplaced  Reason = "ContainerReplaced"
	ContainerForeign   Reason = "ContainerForeign"
	ContainerKept      Reason = "ContainerKept"
	SessionEnded       Reason = "SessionEnded"
)

// The reasons of the second table, about containers that no row claims.
const (
	ContainerUnrecorded Reason = "ContainerUnrecorded"
	ContainerSuperseded Reason = "ContainerSuperseded"
	ContainerLeaked     Reason = "ContainerLeaked"
	// SessionInvalid is an owner that can be no id of the sessions table.
	SessionInvalid Reason = "SessionInvalid"
	// SessionElsewhere is an owner whose row is live on another node, or on a node that is not known.
	SessionElsewhere Reason = "SessionElsewhere"
	// TableEmpty and BreakerTripped hold what would be removed as leaked.
	TableEmpty     Reason = "TableEmpty"
	BreakerTripped Reason = "BreakerTripped"
)

// AwaitingSweep is a reason of both tables: the next sweep must count first how many share the fate of this one.
const AwaitingSweep Reason = "AwaitingSweep"

// Effect is an action that a controller can take for a reason.
type Effect struct {
	Action Action
	Reason Reason
}

// Effects returns every effect that [DecideSession] and [DecideContainer] can decide. What follows a failure in the
// same pass keeps the failure's reason.
func Effects() []Effect {
	var all []Effect
	add := func(reason Reason, actions ...Action) {
		for _, a := range actions {
			all = append(all, Effect{a, reason})
		}
	}
	removal := []Action{Stop, Remove, RemoveDead}
	for _, r := range []Reason{ContainerExited, ContainerOOMKilled, NeverStarted, ContainerLooping, ContainerGone} {
		add(r, Fail, Pin, Release)
		add(r, removal...)
	}
	for _, r := range []Reason{ContainerExited, ContainerOOMKilled, ContainerGone, ContainerTaken} {
		add(r, FailAndRelease)
	}
	add(SessionEnded, Pin, Release)
	add(SessionEnded, removal...)
	add(ContainerShared, Release)
	add(ContainerReplaced, Adopt)
	add(ContainerUnrecorded, Adopt)
	add(ContainerSuperseded, removal...)
	add(ContainerLeaked, removal...)
	return all
}

// DriftReasons returns the reasons that a drift can be found for.
func DriftReasons() []Reason {
	return []Reason{
		ContainerExited, ContainerOOMKilled, NeverStarted, ContainerLooping, ContainerGone, ContainerTaken, SessionEnded,
		ContainerShared, ContainerReplaced, ContainerUnrecorded, ContainerSuperseded, ContainerLeaked, TableEmpty,
		BreakerTripped,
	}
}

// Advice returns the constant log message of what is only reported.
func (r Reason) Advice() string {
	switch r {
	case StatusUnknown:
		return "Session status is not configured, leaving the session and its containers alone"
	case ClaimInvalid:
		return "Session claims something that can name no container, leaving it alone"
	case ContainerTaken:
		return "Session claims a container that is labelled with another session, leaving both alone"
	case ContainerLooping:
		return "Container keeps being restarted by its restart policy"
	case ContainerForeign:
		return "Container is not owned, leaving it alone and keeping the claim"
	case ContainerKept:
		return "Container carries the keep label, leaving it alone"
	case ContainerUnrecorded:
		return "Container of a live session is claimed by no row, leaving it alone"
	case ContainerSuperseded:
		return "Container is superseded by the one that its session claims, leaving it alone"
	case ContainerLeaked:
		return "Container is claimed by no row and its session has ended or does not exist, leaving it alone"
	case SessionInvalid:
		return "Container's session can be no id of the sessions table, leaving it alone"
	case SessionElsewhere:
		return "Container's session is live on another node, or on an unknown one, leaving it alone"
	case TableEmpty:
		return "Container is claimed by no row, but the sessions table is empty, holding it"
	case BreakerTripped:
		return "Container is claimed by no row, but so are too many others, holding it"
	case ReasonNone, LookFailed, AwaitingSweep, NeverStarted, ContainerExited, ContainerOOMKilled, ContainerGone,
		ContainerShared, ContainerReplaced, SessionEnded:
	}
	return "Reported"
}
