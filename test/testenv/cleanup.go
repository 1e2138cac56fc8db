package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// errRunning is what poll sees while there is still something to end.
var errRunning = errors.New("still running")

// cleanUp ends the engine in whatever state the test left it, and takes away what a killed one cannot: containers that
// run on under their shims, mounts and control groups. It asks the engine for nothing, since it may be dead or frozen.
func (e *Engine) cleanUp() {
	ctx, cancel := cleanupContext(e.t)
	defer cancel()

	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		// First of all, or it would start containers again that have a restart policy.
		{"end dockerd", e.dockerd.kill},
		{"end the containers", e.endContainers},
		{"end containerd", e.containerd.kill},
		{"end the containers' shims", e.endShims},
		{"unmount", e.unmount},
		{"remove the shims' sockets", e.removeSockets},
		{"remove the control groups", e.removeGroups},
		{"remove the directory", func(context.Context) error { return os.RemoveAll(e.dir) }},
	}
	for _, step := range steps {
		if err := step.do(ctx); err != nil {
			e.t.Errorf("clean up the private engine in %s: %s: %v", e.dir, step.what, err)
		}
	}
}

// groups are the engine's own control groups: one in each hierarchy (version 1), or the only one (version 2).
func (e *Engine) groups() []string {
	var found []string

	for _, pattern := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*"} {
		// The pattern is a constant and well formed, and cgroup() has none of a pattern's characters.
		matches, _ := filepath.Glob(pattern + e.cgroup())
		found = append(found, matches...)
	}

	return found
}

// endContainers kills every process in the engine's control groups and returns when none is left.
func (e *Engine) endContainers(ctx context.Context) error {
	return poll(ctx, func() error {
		running := 0

		e.thaw()
		for _, pid := range e.containerProcesses() {
			// One that has ended since is as good.
			_ = syscall.Kill(pid, syscall.SIGKILL)
			running++
		}

		if running > 0 {
			return fmt.Errorf("%d processes: %w", running, errRunning)
		}

		return nil
	})
}

// thaw lets paused containers go on: under version 1 of control groups a frozen process does not even end.
func (e *Engine) thaw() {
	for _, group := range e.groups() {
		_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Name() == "freezer.state" {
				_ = os.WriteFile(path, []byte("THAWED"), 0) // one that has vanished since is as good
			}

			return nil
		})
	}
}

func (e *Engine) containerProcesses() []int {
	var pids []int

	for _, group := range e.groups() {
		// A group that vanishes while it is walked has no processes.
		_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Name() == "cgroup.procs" {
				list, _ := os.ReadFile(path)
				pids = append(pids, numbers(string(list))...)
			}

			return nil
		})
	}

	return pids
}

// endShims kills the shims, which nobody tells to end when dockerd and containerd are gone.
func (e *Engine) endShims(ctx context.Context) error {
	return poll(ctx, func() error {
		running := 0

		entries, err := os.ReadDir("/proc")
		if err != nil {
			return fmt.Errorf("list processes: %w", err)
		}

		for _, entry := range entries {
			pid, err := strconv.Atoi(entry.Name())
			if err == nil && e.isShim(pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				running++
			}
		}

		if running > 0 {
			return fmt.Errorf("%d shims: %w", running, errRunning)
		}

		return nil
	})
}

// isShim tells this engine's shims from all other processes by the address of containerd on their command line.
func (e *Engine) isShim(pid int) bool {
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return false
	}

	name, rest, _ := bytes.Cut(line, []byte{0})

	return strings.HasPrefix(filepath.Base(string(name)), "containerd-shim") && bytes.Contains(rest, []byte(e.dir+"/"))
}

// unmount takes away the containers' file systems and name spaces, the innermost first.
func (e *Engine) unmount(context.Context) error {
	list, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("list mounts: %w", err)
	}

	const mountPoint = 4 // The fifth field of proc(5)'s table.

	var errs []error

	for _, line := range slices.Backward(strings.Split(string(list), "\n")) {
		fields := strings.Fields(line)
		if len(fields) > mountPoint && strings.HasPrefix(fields[mountPoint], e.dir+"/") {
			errs = append(errs, syscall.Unmount(fields[mountPoint], syscall.MNT_DETACH))
		}
	}

	return errors.Join(errs...)
}

// removeSockets removes the shims' sockets, which lie outside the engine's directory under names that only the files in
// it know.
func (e *Engine) removeSockets(context.Context) error {
	files, err := filepath.Glob(e.path("containerd-run/io.containerd.runtime.v2.task/moby/*/address"))
	if err != nil {
		return fmt.Errorf("find the addresses: %w", err)
	}

	var errs []error

	for _, file := range files {
		address, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, err)

			continue
		}

		err = os.Remove(strings.TrimPrefix(string(address), "unix://"))
		if !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}

	return errors.Join(errs...)
}

// removeGroups removes the control groups, the inner before the outer. The kernel says "busy" for a moment after the
// last process has ended.
func (e *Engine) removeGroups(ctx context.Context) error {
	return poll(ctx, func() error {
		var errs []error

		for _, group := range e.groups() {
			var directories []string

			_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
				if err == nil && entry.IsDir() {
					directories = append(directories, path)
				}

				return nil
			})

			for _, directory := range slices.Backward(directories) {
				if err := os.Remove(directory); !errors.Is(err, os.ErrNotExist) {
					errs = append(errs, err)
				}
			}
		}

		return errors.Join(errs...)
	})
}

// numbers are the whole numbers in a list with one on each line.
func numbers(list string) []int {
	var found []int

	for field := range strings.FieldsSeq(list) {
		if n, err := strconv.Atoi(field); err == nil {
			found = append(found, n)
		}
	}

	return found
}
