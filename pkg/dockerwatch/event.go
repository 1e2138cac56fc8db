package dockerwatch

import "time"

// Action is the first word of a Docker event's action; the rest can hold a whole command line and is dropped on
// decoding.
type Action string

// The actions that the engine is asked for.
const (
	ActionCreate  Action = "create"
	ActionStart   Action = "start"
	ActionKill    Action = "kill"
	ActionDie     Action = "die"
	ActionOOM     Action = "oom"
	ActionStop    Action = "stop"
	ActionPause   Action = "pause"
	ActionUnpause Action = "unpause"
	ActionRename  Action = "rename"
	ActionDestroy Action = "destroy"
)

// Actions returns the actions that the engine is asked for, and no other is ever heard of.
func Actions() []Action {
	return []Action{
		ActionCreate, ActionStart, ActionKill, ActionDie, ActionOOM, ActionStop, ActionPause, ActionUnpause, ActionRename,
		ActionDestroy,
	}
}

// Event is one thing that happened to a container: a hint to look, never a fact to act on.
type Event struct {
	Action Action
	// ID is the container's full id, Name its name without a slash.
	ID, Name string
	// Time is the engine's own time (TimeNano).
	Time time.Time
	// ExitCode is nil unless the event carried one (die).
	ExitCode *int
	// Labels are the container's labels as the event's attributes carry them (mixed with the engine's own attributes).
	Labels map[string]string
}
