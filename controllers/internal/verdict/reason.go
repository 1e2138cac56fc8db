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

// Effect is an action that a controller can take for a reason.
type Effect struct {
	Action Action
	Reason Reason
}

// Effects returns every effect that [DecideSession] and [DecideContainer] can decide. What follows a failure in the same
// pass keeps the failure's reason.
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
		return "Session has a status the configuration does not know, hands off"
	case ClaimInvalid:
		return "Session claims something that can name no container, hands off"
	case ContainerTaken:
		return "Session claims a container that is labelled with another session"
	case ContainerLooping:
		return "Container keeps being restarted"
	case ContainerForeign:
		return "Container is not owned, it is left alone and the claim is kept"
	case ContainerKept:
		return "Container carries the keep label, it is left alone"
	case ContainerUnrecorded:
		return "Container of a live session is claimed by no row"
	case ContainerSuperseded:
		return "Container was superseded, its session claims another one that runs"
	case ContainerLeaked:
		return "Container is claimed by no row and its session has ended or does not exist"
	case SessionInvalid:
		return "Container's session can be no id of the sessions table, hands off"
	case SessionElsewhere:
		return "Container's session is live on another node, or on an unknown one, hands off"
	case TableEmpty:
		return "Container is claimed by no row, but the sessions table is empty, hands off"
	case BreakerTripped:
		return "Container is claimed by no row, but that is so of too many, hands off"
	case ReasonNone, LookFailed, NeverStarted, ContainerExited, ContainerOOMKilled, ContainerGone,
		ContainerShared, ContainerReplaced, SessionEnded:
	}
	return "Reported"
}
