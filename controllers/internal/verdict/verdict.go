package verdict

import (
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// Action is what a verdict does. One verdict has one effect, after which everything is looked at again.
type Action string

const (
	// Nothing is done: the row and its container agree, or the row claims nothing.
	Nothing Action = "none"
	// Hold means hands off: whatever the row claims is left as it is.
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
	// Remove removes the stopped container, without force. Where a row claims it, its claim is cleared after that.
	Remove Action = "remove"
	// RemoveDead is Remove for a container whose removal failed before. It is the only one that may be forced.
	RemoveDead Action = "remove-dead"
	// Release clears the claim.
	Release Action = "release"
)

// HasEffect reports whether the action changes a row or a container.
func (a Action) HasEffect() bool {
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
	// Rule is the row of the two tables in docs/how-it-works.md that decided: "1" to "14" and "N" for sessions, "a" to
	// "f" and "n" for containers. Rules are never renumbered. It is empty only where nothing was decided.
	Rule   string
	Action Action
	Reason Reason
	// Wait is how long the action must wait before it is decided again on fresh looks; 0 means it is due now. For an
	// action without an effect it is when to look again, 0 meaning that nothing is pending.
	Wait time.Duration
	// Again is when to look once more before Wait is over; 0 means when it is.
	Again time.Duration
}

// Drift reports whether the row and its container disagree in a way that something will be done about.
func (v Verdict) Drift() bool { return v.Action.HasEffect() }

// Due reports whether there is something to do right now.
func (v Verdict) Due() bool { return v.Drift() && v.Wait <= 0 }

// Removes reports whether a container is removed.
func (v Verdict) Removes() bool { return v.Action == Remove || v.Action == RemoveDead }

// Destroys reports whether a container is stopped or removed.
func (v Verdict) Destroys() bool { return v.Action == Stop || v.Removes() }

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

// removal is the next step towards the removal of a container that exists.
func removal(rule string, phase dockerwatch.Phase, reason Reason) Verdict {
	switch phase {
	case dockerwatch.Running, dockerwatch.Paused, dockerwatch.Restarting:
		return Verdict{Rule: rule, Action: Stop, Reason: reason}
	case dockerwatch.Exited, dockerwatch.Created:
		return Verdict{Rule: rule, Action: Remove, Reason: reason}
	case dockerwatch.Dead:
		return Verdict{Rule: rule, Action: RemoveDead, Reason: reason}
	case dockerwatch.Removing:
		return Verdict{Rule: rule, Action: Retry, Reason: reason}
	case dockerwatch.Gone:
	}
	return Verdict{Rule: rule, Action: Retry, Reason: LookFailed}
}
