package controllers

import (
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// Reason names a disagreement between a row and its container. The words are the interface: logs, plan and metrics
// carry them as they stand here.
type Reason string

// The reasons of the first table.
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

// The reasons of the second table.
const (
	ContainerUnrecorded Reason = "ContainerUnrecorded"
	ContainerSuperseded Reason = "ContainerSuperseded"
	ContainerLeaked     Reason = "ContainerLeaked"
	// SessionInvalid is an owner that can be no id of the sessions table.
	SessionInvalid Reason = "SessionInvalid"
	// SessionElsewhere is an owner whose row is live on another node, or on one that nobody knows.
	SessionElsewhere Reason = "SessionElsewhere"
	// TableEmpty and BreakerTripped hold what would be removed as leaked.
	TableEmpty     Reason = "TableEmpty"
	BreakerTripped Reason = "BreakerTripped"
)

// Action is what a verdict does. One verdict has one effect; after it everything is looked at again.
type Action string

const (
	// Nothing is done: the row and its container agree, or the row claims nothing.
	Nothing Action = "none"
	// Hold means hands off: whatever the row claims is not touched by anyone.
	Hold Action = "hold"
	// Report tells people and does nothing else.
	Report Action = "report"
	// Retry looks again after a backoff: a look failed, or the engine is about to be done with something.
	Retry Action = "retry"
	// Fail marks the row as failed and points its claim at the full id of the container, in one statement.
	Fail Action = "fail"
	// FailAndRelease marks the row as failed and clears its claim, in one statement.
	FailAndRelease Action = "fail+release"
	// Pin points an ended row's claim at the full id of the container: a name can be used again, an id cannot.
	Pin Action = "pin"
	// Adopt points a live row's claim at the full id of its own container.
	Adopt Action = "adopt"
	// Stop stops the container.
	Stop Action = "stop"
	// Remove removes the stopped container, without force.
	Remove Action = "remove"
	// RemoveDead removes a container whose removal failed before; the only one that may be forced.
	RemoveDead Action = "remove-dead"
	// Release clears the claim.
	Release Action = "release"
)

// effects reports whether the action changes a row or a container.
func (a Action) effects() bool {
	switch a {
	case Fail, FailAndRelease, Pin, Adopt, Stop, Remove, RemoveDead, Release:
		return true
	case Nothing, Hold, Report, Retry:
		return false
	}
	return false
}

// Verdict is what is to be done about one session or container, and when.
type Verdict struct {
	Action Action
	Reason Reason
	// Wait is how long the action must wait before it is decided again on fresh looks; 0 means it is due now. For an
	// action without an effect it is when to look again, 0 meaning that nothing is pending.
	Wait time.Duration
	// Again is when to look once more before Wait is over; 0 means when it is.
	Again time.Duration
}

// Drift reports whether the row and its container disagree in a way that something will be done about.
func (v Verdict) Drift() bool { return v.Action.effects() }

// Due reports whether there is something to do right now.
func (v Verdict) Due() bool { return v.Drift() && v.Wait <= 0 }

// removes reports whether a container is removed.
func (v Verdict) removes() bool { return v.Action == Remove || v.Action == RemoveDead }

// HeldBack reports whether a guard stands before something that would be done otherwise: people must look into it.
func (v Verdict) HeldBack() bool { return v.Reason == TableEmpty || v.Reason == BreakerTripped }

// intent is what becomes of a container in the end: what a verdict begins, the next looks finish.
func intent(v Verdict, phase dockerwatch.Phase) string {
	switch v.Action {
	case Pin, Stop, Remove, RemoveDead:
		if phase.Alive() {
			return "stop+remove"
		}
		return "remove"
	case Fail, FailAndRelease, Release, Adopt:
		return string(v.Action)
	case Retry:
		return "look again"
	case Nothing, Hold, Report:
	}
	return "none"
}
