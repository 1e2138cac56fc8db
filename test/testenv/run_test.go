package testenv_test

import (
	"context"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/test/testenv"
)

// patience bounds every wait of these tests; an idle machine needs a hundredth of it.
const patience = time.Minute

func TestContainersEndAsAsked(t *testing.T) {
	t.Parallel()

	type ending struct {
		Status    string
		ExitCode  int
		OOMKilled bool
	}

	// The time that the engine gives a container before it kills it.
	second := 1

	cases := map[string]struct {
		reason    string
		container testenv.Container
		end       func(t *testing.T, docker *client.Client, id string)
		want      ending
	}{
		"exit": {
			reason:    "a process that fails at once leaves its code",
			container: testenv.Container{Cmd: []string{"/workload", "exit", "3"}},
			want:      ending{Status: "exited", ExitCode: 3},
		},
		"exit-after": {
			reason:    "a process that fails by itself later leaves its code, too",
			container: testenv.Container{Cmd: []string{"/workload", "exit-after", "50ms", "4"}},
			want:      ending{Status: "exited", ExitCode: 4},
		},
		"exit-on-usr1": {
			reason:    "the test chooses the moment, and the engine knows nothing of the signal",
			container: testenv.Container{Cmd: []string{"/workload", "exit-on-usr1", "5"}},
			end: func(t *testing.T, _ *client.Client, id string) {
				t.Helper()
				testenv.Signal(t, id, syscall.SIGUSR1)
			},
			want: ending{Status: "exited", ExitCode: 5},
		},
		"oom": {
			reason:    "the kernel ends a process that takes more than its limit, and the engine says so",
			container: testenv.Container{Cmd: []string{"/workload", "oom"}, MemoryMiB: 16},
			want:      ending{Status: "exited", ExitCode: 137, OOMKilled: true},
		},
		"stop of sleep": {
			reason: "the default process ends on SIGTERM",
			end: func(t *testing.T, docker *client.Client, id string) {
				t.Helper()
				stop(t, docker, id, nil)
			},
			want: ending{Status: "exited", ExitCode: 143},
		},
		"stop of ignore-term": {
			reason:    "a process that ignores SIGTERM is killed when the time is over",
			container: testenv.Container{Cmd: []string{"/workload", "ignore-term"}},
			end: func(t *testing.T, docker *client.Client, id string) {
				t.Helper()
				stop(t, docker, id, &second)
			},
			want: ending{Status: "exited", ExitCode: 137},
		},
		"usage": {
			reason:    "a mistake in a test is told apart from the codes that tests ask for",
			container: testenv.Container{Cmd: []string{"/workload", "exit", "three"}},
			want:      ending{Status: "exited", ExitCode: 64},
		},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			docker := testenv.Docker(t)
			id := testenv.Run(t, tc.container)

			if tc.end != nil {
				tc.end(t, docker, id)
			}

			state := ended(t, docker, id)
			got := ending{Status: state.Status, ExitCode: state.ExitCode, OOMKilled: state.OOMKilled}

			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

// State.OOMKilled is not looked at: when `die` comes before `oom` it stays false. The event comes in any case.
func TestFirstProcessIsKilledForItsMemory(t *testing.T) {
	t.Parallel()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	docker := testenv.Docker(t)
	name := testenv.Name(t, "direct-")
	// Asked for before there is a container: the engine remembers no more than 256 events of all tests together.
	messages, errs := docker.Events(ctx, events.ListOptions{
		Since:   strconv.FormatInt(time.Now().Unix(), 10),
		Filters: filters.NewArgs(filters.Arg("container", name), filters.Arg("event", "oom")),
	})
	id := testenv.Run(t, testenv.Container{
		Name: name, Cmd: []string{"/workload", "oom-direct"}, MemoryMiB: 16,
	})

	if got := ended(t, docker, id).ExitCode; got != 137 {
		t.Errorf("exit code is %d, want 137", got)
	}

	select {
	case <-messages:
	case err := <-errs:
		t.Errorf("no oom event came: %v", err)
	}
}

func TestContainerIsAsAsked(t *testing.T) {
	t.Parallel()

	docker := testenv.Docker(t)
	name := testenv.Name(t, "asked-")
	id := testenv.Run(t, testenv.Container{
		Name: name, Labels: map[string]string{"colour": "green"}, RestartPolicy: "always", MemoryMiB: 32, NoStart: true,
		StopSignal: "SIGUSR1",
	})

	got, err := docker.ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}

	type shape struct {
		ID, Name, Status, Restart, Label, StopSignal string
		Memory                                       int64
	}

	want := shape{id, "/" + name, "created", "always", "green", "SIGUSR1", 32 << 20}
	have := shape{
		got.ID, got.Name, got.State.Status, string(got.HostConfig.RestartPolicy.Name), got.Config.Labels["colour"],
		got.Config.StopSignal, got.HostConfig.Memory,
	}

	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("container (-want +got):\n%s", diff)
	}
}

func TestContainerIsRemovedWithItsTest(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		reason    string
		container testenv.Container
	}{
		"running":   {"nobody has to stop it first", testenv.Container{}},
		"created":   {"it never ran", testenv.Container{NoStart: true}},
		"by itself": {"the engine is removing it at the same time", testenv.Container{AutoRemove: true}},
		"restarted": {"it comes back for ever", testenv.Container{
			RestartPolicy: "always", Cmd: []string{"/workload", "exit", "1"},
		}},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var id string

			t.Run("inner", func(t *testing.T) { id = testenv.Run(t, tc.container) })

			if _, err := testenv.Docker(t).ContainerInspect(t.Context(), id); !errdefs.IsNotFound(err) {
				t.Errorf("the container is still there although its test has ended (%s): %v", tc.reason, err)
			}
		})
	}
}

// ended returns the container's state when its process has ended.
func ended(t *testing.T, docker *client.Client, id string) *container.State {
	t.Helper()

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	answers, errs := docker.ContainerWait(ctx, id, container.WaitConditionNotRunning)
	select {
	case err := <-errs:
		t.Fatalf("wait for container %s to end: %v", id, err)
	case <-answers:
	}

	inspected, err := docker.ContainerInspect(ctx, id)
	if err != nil {
		t.Fatalf("inspect container %s: %v", id, err)
	}

	return inspected.State
}

func stop(t *testing.T, docker *client.Client, id string, seconds *int) {
	t.Helper()

	if err := docker.ContainerStop(t.Context(), id, container.StopOptions{Timeout: seconds}); err != nil {
		t.Fatalf("stop container %s: %v", id, err)
	}
}
