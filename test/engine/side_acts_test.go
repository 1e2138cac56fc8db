package engine_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// What happens to a container without anybody calling the API: each engine has its own way to make it happen.

// name is what messages call this side.
func (s *side) name() string {
	if s.fake != nil {
		return "test engine"
	}
	return "real engine"
}

// crash ends a container's process behind its engine's back, as if it had come to its end by itself.
func (s *side) crash(name string) {
	s.t.Helper()
	switch {
	case s.fake != nil:
		if err := s.fake.Exit(s.ids[name], 137); err != nil {
			s.t.Fatal(err)
		}
	case s.private != nil:
		s.private.Signal(s.ids[name], syscall.SIGKILL)
	default:
		testenv.Signal(s.t, s.ids[name], syscall.SIGKILL)
	}
}

// outOfMemory lets the kernel take the process of a container whose command is oom.
func (s *side) outOfMemory(name string) {
	s.t.Helper()
	if s.fake != nil {
		if err := s.fake.OOM(s.ids[name], false); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	testenv.Signal(s.t, s.ids[name], syscall.SIGUSR1)
}

// slowToRemove makes the removal of a container take a while: by 80,000 files, or as it is told.
func (s *side) slowToRemove(name string) {
	s.t.Helper()
	if s.fake != nil {
		if err := s.fake.SlowRemoval(s.ids[name], time.Second); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	info, err := s.engine.Info(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	dir := filepath.Join(info.RootDir, "containers", s.ids[name], "many")
	if err := os.Mkdir(dir, 0o700); err != nil {
		s.t.Fatal(err)
	}
	for i := range 80_000 {
		if err := os.Symlink("x", filepath.Join(dir, strconv.Itoa(i))); err != nil {
			s.t.Fatal(err)
		}
	}
}

// unpause lets a container go on that may be paused, when the test has ended.
func (s *side) unpause(id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), patience)
	defer cancel()
	if _, err := s.try(ctx, http.MethodPost, "/containers/"+id+"/unpause"); err != nil {
		s.t.Error(err)
	}
}

// look is what a container is now: the one that a script calls ref, or else the one that the engine finds by it.
func (s *side) look(ref string) dockerwatch.Observation {
	s.t.Helper()
	seen, err := s.engine.Observe(s.t.Context(), cmp.Or(s.ids[ref], ref))
	if err != nil {
		s.t.Fatalf("%s: observe %s: %v", s.name(), ref, err)
	}
	return seen
}

// again waits until the engine has started a container for the first time by its policy.
func (s *side) again(name string) {
	s.t.Helper()
	s.until("the policy has started it again", func() bool {
		seen := s.look(name)
		return seen.Phase == dockerwatch.Running && seen.RestartCount == 1
	})
}

// pausing waits until none of the containers whose processes end again and again is started for a second at least: a
// look or a call that comes at the end of the pause would meet a start. It returns what they are then, by name.
func (s *side) pausing(names ...string) map[string]dockerwatch.Observation {
	s.t.Helper()
	all := map[string]dockerwatch.Observation{}
	s.until("the pauses between two starts are long enough", func() bool {
		for _, name := range names {
			seen := s.look(name)
			if seen.Phase != dockerwatch.Restarting || seen.RestartCount < 1 {
				return false
			}
			all[name] = seen
		}
		for _, seen := range all {
			pause := 100 * time.Millisecond << (seen.RestartCount - 1) // it doubles each time
			if pause-time.Since(seen.FinishedAt) < time.Second {
				return false
			}
		}
		return true
	})
	return all
}

// hasProcess reports whether the process that the engine shows for a container is there.
func (s *side) hasProcess(name string) bool {
	s.t.Helper()
	if s.fake != nil {
		return true
	}
	seen, err := testenv.Docker(s.t).ContainerInspect(s.t.Context(), s.ids[name])
	if err != nil {
		s.t.Fatal(err)
	}
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", seen.State.Pid))
	return err == nil && strings.Contains(string(groups), s.ids[name])
}

// count notes how often the engine says that it started a container by its policy.
func (s *side) count(name string) {
	s.t.Helper()
	s.notef("%s was restarted %d times", name, s.look(name).RestartCount)
}

// unremovable makes the removal of a container fail, by a file of it that nobody can remove, or mends that.
func (s *side) unremovable(name string, fails bool) {
	s.t.Helper()
	if s.fake != nil {
		if err := s.fake.FailRemovals(s.ids[name], fails); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	info, err := s.engine.Info(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(info.RootDir, "containers", s.ids[name], "unremovable")
	change := map[bool]string{true: "+i", false: "-i"}[fails]
	if fails {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			s.t.Fatal(err)
		}
		mend := context.WithoutCancel(s.t.Context())
		s.t.Cleanup(func() { _ = exec.CommandContext(mend, "chattr", "-i", file).Run() }) // gone where the test has mended it
	}
	if out, err := exec.CommandContext(s.t.Context(), "chattr", change, file).CombinedOutput(); err != nil {
		s.t.Fatalf("chattr %s %s: %v: %s", change, file, err, out)
	}
}
