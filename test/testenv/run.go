package testenv

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
)

// readyTimeout bounds the wait for a process to say that it is ready: about 0.3 s on an idle machine.
const readyTimeout = 60 * time.Second

// Container says what [Run] creates. The zero value is a container with a name of its own that sleeps until SIGTERM.
type Container struct {
	// Name is the container's name; empty means one that no other test uses.
	Name string
	// Labels may be nil.
	Labels map[string]string
	// Cmd is the command line, for example "/workload", "exit", "3"; nil means "/workload", "sleep".
	Cmd []string
	// RestartPolicy is no, always, unless-stopped or on-failure; empty means no.
	RestartPolicy string
	// AutoRemove makes the engine remove the container when its process ends.
	AutoRemove bool
	// MemoryMiB limits memory and swap together; 0 means no limit, and the engine accepts none under 6.
	MemoryMiB int64
	// NoStart leaves the container created.
	NoStart bool
	// StopSignal is what the engine sends to stop the container; empty means SIGTERM.
	StopSignal string
	// StopTimeout is how long the engine waits after the stop signal before it kills the process, in whole seconds; zero
	// means the engine's own 10 s.
	StopTimeout time.Duration
	// Terminal gives its process a terminal.
	Terminal bool
	// Env is its environment, as NAME=value; nil: what the image has.
	Env []string
}

// Run creates a container on the engine that all tests share, starts it unless c says otherwise, and returns its full
// id. A process that waits for a signal is ready for it when Run returns. The container is removed when the test ends.
func Run(t testing.TB, c Container) string {
	t.Helper()

	docker := Docker(t)
	id := create(t, docker, c)
	t.Cleanup(func() { remove(t, docker, id) })
	start(t, docker, id, c)

	return id
}

// Signal sends a signal to the container's first process from the host, behind the engine's back: the engine emits no
// kill event, as if the process had come to its end by itself. The engine must run on this machine.
func Signal(t testing.TB, id string, signal syscall.Signal) {
	t.Helper()
	send(t, Docker(t), id, signal)
}

func send(t testing.TB, docker *client.Client, id string, signal syscall.Signal) {
	t.Helper()

	state, err := docker.ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatalf("inspect container %s: %v", id, err)
	}

	if !state.State.Running || state.State.Pid <= 0 {
		t.Fatalf("signal container %s: it has no process, its status is %s", id, state.State.Status)
	}

	// A number of another machine's, or of a virtual machine's, would be somebody else's process here.
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", state.State.Pid))
	if err != nil || !strings.Contains(string(groups), id) {
		t.Fatalf("signal container %s: process %d of this machine is not its process (%v): use an engine that runs on "+
			"this machine: %s", id, state.State.Pid, err, howToGet)
	}

	if err := syscall.Kill(state.State.Pid, signal); err != nil {
		t.Fatalf("send %v to the process of container %s: %v", signal, id, err)
	}
}

// QuickToStart returns the settings of a container without what takes more than half the time of a start and what no
// test needs: a network of its own (for which the engine runs its whole program once more), the filter of system calls,
// and memory to share.
func QuickToStart() *container.HostConfig {
	return &container.HostConfig{NetworkMode: "host", IpcMode: "none", SecurityOpt: []string{"seccomp=unconfined"}}
}

func create(t testing.TB, docker *client.Client, c Container) string {
	t.Helper()

	if c.Name == "" {
		c.Name = Name(t, "test-")
	}

	const mebibyte = 1 << 20

	var stopTimeout *int

	if c.StopTimeout > 0 {
		stopTimeout = new(int(c.StopTimeout.Seconds()))
	}

	host := QuickToStart()
	host.AutoRemove = c.AutoRemove
	host.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyMode(c.RestartPolicy)}
	host.Resources = container.Resources{Memory: c.MemoryMiB * mebibyte, MemorySwap: c.MemoryMiB * mebibyte}

	created, err := docker.ContainerCreate(t.Context(),
		&container.Config{
			Image: imageOn(t, docker), Labels: c.Labels, Cmd: c.Cmd, Env: c.Env, StopSignal: c.StopSignal, Tty: c.Terminal,
			StopTimeout: stopTimeout,
		},
		host, nil, nil, c.Name)
	if err != nil {
		t.Fatalf("create container %s: %v", c.Name, err)
	}

	return created.ID
}

// start starts the container, unless c says otherwise, and waits for its process where that announces itself. One that
// is to run out of memory is told to begin.
func start(t testing.TB, docker *client.Client, id string, c Container) {
	t.Helper()

	if c.NoStart {
		return
	}

	if err := docker.ContainerStart(t.Context(), id, container.StartOptions{}); err != nil {
		t.Fatalf("start container %s: %v", id, err)
	}

	mode := ""

	switch {
	case len(c.Cmd) == 0:
		mode = "sleep"
	case len(c.Cmd) > 1 && c.Cmd[0] == "/workload":
		mode = c.Cmd[1]
	}

	switch mode {
	case "sleep", "ignore-term", "exit-on-usr1":
		awaitReady(t, docker, id)
	case "oom", "oom-direct":
		awaitReady(t, docker, id)
		// By now the engine watches the container's memory.
		send(t, docker, id, syscall.SIGUSR1)
	}
}

// AwaitReady returns when the process of a container on the engine that all tests share has set itself up: a signal
// that comes before is lost. [Run] waits for it by itself.
func AwaitReady(t testing.TB, id string) {
	t.Helper()
	awaitReady(t, Docker(t), id)
}

// awaitReady returns when the process has printed its first line since the container ended last.
func awaitReady(t testing.TB, docker *client.Client, id string) {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), readyTimeout)
	defer cancel()

	seen, err := docker.ContainerInspect(ctx, id)
	if err != nil {
		t.Fatalf("wait for the process of container %s: %v", id, err)
	}
	options := container.LogsOptions{ShowStdout: true, Follow: true}
	if seen.State.FinishedAt != "0001-01-01T00:00:00Z" { // it has run before, and printed that
		options.Since = seen.State.FinishedAt
	}
	logs, err := docker.ContainerLogs(ctx, id, options)
	if err != nil {
		t.Fatalf("read the output of container %s: %v", id, err)
	}
	defer logs.Close() //nolint:errcheck // Nothing was written, and what was wanted has been read.

	line, err := bufio.NewReader(logs).ReadString('\n')
	if err != nil || !strings.HasSuffix(line, "ready\n") {
		t.Fatalf("wait for the process of container %s: it printed %q and then: %v", id, line, err)
	}
}

// remove removes the container by force and returns when it is gone, whoever else is removing it at the same time.
func remove(t testing.TB, docker *client.Client, id string) {
	t.Helper()

	ctx, cancel := cleanupContext(t)
	defer cancel()

	err := poll(ctx, func() error {
		err := docker.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
		if errdefs.IsNotFound(err) {
			return nil
		}

		return err
	})
	if err != nil {
		t.Errorf("remove container %s: %v", id, err)
	}
}
