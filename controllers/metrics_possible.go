package controllers

// possibleEffect is an action that [Decide] or [DecideContainer] can take for a reason.
type possibleEffect struct {
	action Action
	reason Reason
}

// possibleEffects are all of them. What follows a failure in the same pass keeps the failure's reason.
func possibleEffects() []possibleEffect {
	var all []possibleEffect
	add := func(reason Reason, actions ...Action) {
		for _, a := range actions {
			all = append(all, possibleEffect{a, reason})
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

// driftReasons are the reasons that a drift can be found for.
func driftReasons() []Reason {
	return []Reason{
		ContainerExited, ContainerOOMKilled, NeverStarted, ContainerLooping, ContainerGone, ContainerTaken, SessionEnded,
		ContainerShared, ContainerReplaced, ContainerUnrecorded, ContainerSuperseded, ContainerLeaked, TableEmpty,
		BreakerTripped,
	}
}
