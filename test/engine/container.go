package engine

import (
	"maps"
	"time"
)

// Status is a container's state as the engine's own State.Status says it.
type Status string

// The statuses.
const (
	Created    Status = "created"
	Running    Status = "running"
	Paused     Status = "paused"
	Restarting Status = "restarting"
	Exited     Status = "exited"
	Dead       Status = "dead"
	Removing   Status = "removing"
)

// Alive reports whether there is a process, or is about to be one again.
func (s Status) Alive() bool { return s == Running || s == Paused || s == Restarting }

// Spec is what a container is created from. The zero value is a container with a name of its own, which ends on its
// stop signal and is not started again.
type Spec struct {
	Name   string
	Labels map[string]string
	// Cmd and Env can hold secrets, as anywhere.
	Cmd, Env []string
	// RestartPolicy is no (or empty), always, unless-stopped or on-failure.
	RestartPolicy string
	AutoRemove    bool
	// Stubborn ignores its stop signal until it is killed.
	Stubborn bool
	// Lives is how long each run lasts before it ends by itself with the code ExitsWith. 0 means for ever.
	Lives     time.Duration
	ExitsWith int
}

// Container is what a container was at one moment.
type Container struct {
	Spec

	ID                             string
	Status                         Status
	Created, StartedAt, FinishedAt time.Time
	ExitCode                       int
	OOMKilled                      bool
	Error                          string
	RestartCount                   int
	// Made is when it was created, Since when it last came alive, and Ended when it last stopped being so: by this
	// machine's clock, whatever the engine's says.
	Made, Since, Ended time.Time
	// Stopped says that somebody stopped it on purpose since its last start, so that its policy does not start it again;
	// Killed that its process was ended so, and did not end by itself before.
	Stopped, Killed bool
	// Wedged says that its inspect hangs.
	Wedged bool
	// Starts counts how often its process was started: as long as it stays the same, it has run unbroken.
	Starts int
}

// container is one that exists.
type container struct {
	Container

	// backoff is the wait before the next start by policy.
	backoff time.Duration
	// kept is one that is being restarted: it does not remove itself.
	kept bool
	// unremovable makes its removal fail; removal is how long that takes.
	unremovable bool
	removal     time.Duration
}

// snapshot is a copy that nobody changes any more.
func (c *container) snapshot() Container {
	s := c.Container
	s.Labels = maps.Clone(c.Labels)
	return s
}

// restarts reports whether the policy starts it again after it ended with its present exit code.
func (c *container) restarts() bool {
	switch c.RestartPolicy {
	case "always", "unless-stopped":
		return !c.Stopped
	case "on-failure":
		return !c.Stopped && c.ExitCode != 0
	}
	return false
}

// comesBack reports whether it is started when its engine is.
func (c *container) comesBack() bool {
	switch c.RestartPolicy {
	case "always":
		return true
	case "on-failure":
		return c.ExitCode != 0
	}
	return c.restarts()
}
