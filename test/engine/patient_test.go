package engine_test

import (
	"github.com/session-controller/session-controller/test/testenv"
)

// patient is a container that sees its engine go and come back, and what is done to it before.
type patient struct {
	testenv.Container

	// paused and stopped is what somebody does to it, crashed that its policy has started it again once already, and dies
	// that its process ends while the engine is away.
	paused, stopped, crashed, dies bool
	// unremovable is that its removal fails.
	unremovable bool
}

// loops reports whether its process ends again and again.
func (p patient) loops() bool { return len(p.Cmd) > 0 }

const (
	always        = "always"
	unlessStopped = "unless-stopped"
	onFailure     = "on-failure"
)

// patients are containers in every state and of every restart policy.
func (o outage) patients() []patient {
	loop := []string{"/workload", "exit", "3"}
	all := []patient{ // the loops first, as it takes them some time until their pauses are long
		{Container: testenv.Container{Name: "loop", RestartPolicy: always, Cmd: loop}},
		{Container: testenv.Container{Name: "loop-failure", RestartPolicy: onFailure, Cmd: loop}},
		{Container: testenv.Container{Name: "plain"}},
		{Container: testenv.Container{Name: "always", RestartPolicy: always}},
		{Container: testenv.Container{Name: "auto", AutoRemove: true}},
		{Container: testenv.Container{Name: "paused"}, paused: true},
	}
	if o.liveRestore && !o.crash {
		return all // what does not run is as after a crash
	}
	all = append(all,
		patient{Container: testenv.Container{Name: "loop-unless", RestartPolicy: unlessStopped, Cmd: loop}},
		patient{Container: testenv.Container{Name: "unless-stopped", RestartPolicy: unlessStopped}},
		patient{Container: testenv.Container{Name: "on-failure", RestartPolicy: onFailure}},
		patient{Container: testenv.Container{Name: "stopped-always", RestartPolicy: always}, stopped: true},
		patient{Container: testenv.Container{Name: "stopped-unless", RestartPolicy: unlessStopped}, stopped: true},
		patient{Container: testenv.Container{Name: "stopped-failure", RestartPolicy: onFailure}, stopped: true},
		patient{Container: testenv.Container{Name: "created-always", RestartPolicy: always, NoStart: true}},
		patient{Container: testenv.Container{Name: "created-auto", AutoRemove: true, NoStart: true}},
		patient{Container: testenv.Container{Name: "paused-always", RestartPolicy: always}, paused: true},
	)
	if !o.crash {
		return all // nothing is left that could die
	}
	return append(all,
		patient{Container: testenv.Container{Name: "dead", RestartPolicy: onFailure}, unremovable: true},
		patient{Container: testenv.Container{Name: "died"}, dies: true},
		patient{Container: testenv.Container{Name: "died-again", RestartPolicy: always}, crashed: true, dies: true},
		patient{Container: testenv.Container{Name: "died-unless", RestartPolicy: unlessStopped}, dies: true},
		patient{Container: testenv.Container{Name: "died-failure", RestartPolicy: onFailure}, dies: true},
		patient{Container: testenv.Container{Name: "died-auto", AutoRemove: true}, dies: true},
	)
}
