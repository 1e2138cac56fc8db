package testenv_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/test/testenv"
)

func TestEngineIsKilledAndStartedAgain(t *testing.T) {
	t.Parallel()

	e := testenv.StartEngine(t)
	plain := e.Run(testenv.Container{})
	always := e.Run(testenv.Container{RestartPolicy: "always"})
	process := pid(t, e, plain)

	before, err := e.Docker().Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	e.Kill()

	if _, err := e.Docker().Ping(t.Context()); err == nil {
		t.Error("a killed engine answered")
	}

	if err := syscall.Kill(process, 0); err != nil {
		t.Errorf("a container's process did not outlive its engine: %v", err)
	}

	e.Start()

	after, err := e.Docker().Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff([]string{before.ID, before.DockerRootDir}, []string{after.ID, after.DockerRootDir}); diff != "" {
		t.Errorf("the engine is another after its restart (-before +after):\n%s", diff)
	}

	want := map[string]string{plain: "exited", always: "running"}
	if diff := cmp.Diff(want, statuses(t, e, plain, always)); diff != "" {
		t.Errorf("containers after the restart (-want +got):\n%s", diff)
	}
}

func TestEngineWithLiveRestoreKeepsItsContainers(t *testing.T) {
	t.Parallel()

	e := testenv.StartEngine(t, "--live-restore")
	id := e.Run(testenv.Container{})
	process := pid(t, e, id)

	e.Kill()
	e.Start()

	if got := pid(t, e, id); got != process {
		t.Errorf("the container's process is %d after the restart, was %d", got, process)
	}
}

func TestEngineIsTerminated(t *testing.T) {
	t.Parallel()

	e := testenv.StartEngine(t)
	id := e.Run(testenv.Container{})
	process := pid(t, e, id)

	e.Terminate()

	if err := syscall.Kill(process, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("a container's process outlived the shutdown of its engine: %v", err)
	}

	e.Start()

	if diff := cmp.Diff(map[string]string{id: "exited"}, statuses(t, e, id)); diff != "" {
		t.Errorf("containers after the shutdown (-want +got):\n%s", diff)
	}
}

func TestEngineIsFrozenAndThawed(t *testing.T) {
	t.Parallel()

	e := testenv.StartEngine(t)
	e.Freeze()

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()

	if _, err := e.Docker().Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a frozen engine must let its callers wait, but: %v", err)
	}

	e.Thaw()

	if _, err := e.Docker().Ping(t.Context()); err != nil {
		t.Errorf("a thawed engine does not answer: %v", err)
	}
}

func TestNothingOfAnEngineIsLeft(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		reason string
		end    func(e *testenv.Engine)
	}{
		"running":    {"the usual end of a test", func(*testenv.Engine) {}},
		"killed":     {"its containers run on without it", (*testenv.Engine).Kill},
		"frozen":     {"it cannot be asked for anything", (*testenv.Engine).Freeze},
		"paused":     {"a paused process does not end by a signal", pauseAndKill},
		"terminated": {"it has cleaned up already", (*testenv.Engine).Terminate},
	}

	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			var dir string

			processes := map[string]int{} // by the container's id

			t.Run("inner", func(t *testing.T) {
				e := testenv.StartEngine(t)
				dir = filepath.Dir(strings.TrimPrefix(e.Host(), "unix://"))

				for _, cmd := range [][]string{{"/workload", "sleep"}, {"/workload", "exit", "1"}} {
					id := e.Run(testenv.Container{Cmd: cmd, RestartPolicy: "always"})
					processes[id] = pid(t, e, id)

					if cmd[1] == "sleep" && !runs(id, processes[id]) {
						t.Errorf("process %d of container %s does not run, or is not known by its control group", processes[id], id)
					}
				}

				tc.end(e)
			})

			if diff := cmp.Diff([]string(nil), traces(t, dir)); diff != "" {
				t.Errorf("left behind (%s):\n%s", tc.reason, diff)
			}

			for id, process := range processes {
				if runs(id, process) {
					t.Errorf("process %d of container %s is still running (%s)", process, id, tc.reason)
				}
			}
		})
	}
}

// runs reports whether a process is still the container's. Its number may be another process's by now, and a process
// that has ended has left its control group even where its parent has not yet asked how it ended.
func runs(container string, process int) bool {
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", process))

	return process != 0 && err == nil && bytes.Contains(groups, []byte(container))
}

// pauseAndKill kills an engine one of whose containers is paused.
func pauseAndKill(e *testenv.Engine) {
	id := e.Run(testenv.Container{Cmd: []string{"/workload", "sleep"}})
	if err := e.Docker().ContainerPause(context.Background(), id); err != nil {
		panic(err)
	}
	e.Kill()
}

// traces are the processes, mounts, control groups and files that name the engine's directory.
func traces(t *testing.T, dir string) []string {
	t.Helper()

	var found []string

	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}

	for _, file := range lines {
		// A process that has ended meanwhile is none.
		if line, err := os.ReadFile(file); err == nil && bytes.Contains(line, []byte(dir)) {
			found = append(found, "process "+string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
		}
	}

	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}

	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir) {
			found = append(found, "mount "+line)
		}
	}

	for _, pattern := range []string{"/sys/fs/cgroup/*", "/sys/fs/cgroup/*/*"} {
		groups, err := filepath.Glob(pattern + filepath.Base(dir))
		if err != nil {
			t.Fatal(err)
		}

		found = append(found, groups...)
	}

	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		found = append(found, "directory "+dir)
	}

	return found
}

func pid(t *testing.T, e *testenv.Engine, id string) int {
	t.Helper()

	got, err := e.Docker().ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatalf("inspect container %s: %v", id, err)
	}

	return got.State.Pid
}

func statuses(t *testing.T, e *testenv.Engine, ids ...string) map[string]string {
	t.Helper()

	got := make(map[string]string)

	for _, id := range ids {
		inspected, err := e.Docker().ContainerInspect(t.Context(), id)
		if err != nil {
			t.Fatalf("inspect container %s: %v", id, err)
		}

		got[id] = inspected.State.Status
	}

	return got
}
