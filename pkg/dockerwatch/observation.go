package dockerwatch

import (
	"strings"
	"time"
)

// Phase is the state of a container as one inspect (or the list) proved it.
type Phase string

// The phases. Gone is the only one that is not a State.Status of the engine: it stands for Docker's own
// "No such container".
const (
	Running    Phase = "Running"
	Paused     Phase = "Paused"
	Restarting Phase = "Restarting"
	Created    Phase = "Created"
	Exited     Phase = "Exited"
	Dead       Phase = "Dead"
	Removing   Phase = "Removing"
	Gone       Phase = "Gone"
)

// Alive reports whether a process of the container runs, is frozen, or is about to be started again by the engine.
func (p Phase) Alive() bool { return p == Running || p == Paused || p == Restarting }

// Observation is what one fresh inspect proved of a container.
type Observation struct {
	// Phase is Gone when the engine answered "No such container"; then every other field but Engine is zero.
	Phase Phase
	// Engine is the identity of the engine that answered. It is empty where a proxy closes every connection after one
	// answer, so that it cannot be asked. Then nothing but a check that begins afterwards tells.
	Engine string
	// ID is the full id: 64 hex digits.
	ID string
	// Name is without the leading slash of the API.
	Name string
	// Labels are the container's labels. They can hold secrets: never log one as a whole.
	Labels map[string]string
	// Created, StartedAt and FinishedAt are the engine's times; zero where the engine says year 1 (never).
	Created, StartedAt, FinishedAt time.Time
	// ExitCode is the exit code of the last run; meaningful only when FinishedAt is not zero.
	ExitCode int
	// OOMKilled reports that the kernel's memory killer hit the last run. It can be true of a running container.
	OOMKilled bool
	// Error is the engine's own message (State.Error) about the last start or removal. It can quote the container's
	// command, which can be a secret: never log it.
	Error string
	// RestartPolicy is the policy's name: "no", "always", "unless-stopped", "on-failure"; "no" where the engine says
	// none.
	RestartPolicy string
	// RestartCount is how often the engine restarted it by policy.
	RestartCount int
	// AutoRemove reports that the engine removes the container when it exits (docker run --rm).
	AutoRemove bool
	// Terminal reports that its process has a terminal, so that its output is one stream.
	Terminal bool
}

// Listing is an engine's list of containers.
type Listing struct {
	// Engine is the identity of the engine that answered; empty where the connection could not be asked.
	Engine     string
	Containers []Container
}

// Container is one line of the engine's list: a snapshot, older than an inspect and never proof of absence.
type Container struct {
	// ID is the full id.
	ID string
	// Names are without the leading slash; a container can have several (links). Empty while it is being removed.
	Names []string
	// Phase is the listed state; empty for one that this version does not know.
	Phase Phase
	// Labels are the container's labels.
	Labels map[string]string
	// Created is when it was created, to the second.
	Created time.Time
}

// Name is the container's own name, without a slash; links are further names, each with a slash in it. Empty while it
// is being removed.
func (c *Container) Name() string {
	for _, name := range c.Names {
		if !strings.Contains(name, "/") {
			return name
		}
	}
	return ""
}

// Info is what the engine says of itself.
type Info struct {
	// ID and RootDir together are the engine's identity (two engines of one host can share an ID).
	ID, RootDir string
	// Name is the engine's host name and Version its release.
	Name, Version string
	// Time is the engine's clock during the call.
	Time time.Time
	// Offset is what to add to this machine's clock to get the engine's, or a moment before it.
	Offset time.Duration
}

// Identity is what tells this engine from every other one, in one word. The ID alone does not: two engines of one host
// can share it, as it came from /etc/docker/key.json before engine 23.
func (i Info) Identity() string { return i.ID + "@" + i.RootDir }
