package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// built is the controller that the tests of this process share.
var built struct {
	sync.Mutex

	path string
}

// Controller builds the controller as `make build` does and returns the path of the binary, which must not be changed.
// All test processes of one run of hack/test-env.sh share it, since linking it takes seconds.
func Controller(t testing.TB) string {
	t.Helper()

	built.Lock()
	defer built.Unlock()

	if built.path == "" {
		built.path = buildController(t)
	}

	return built.path
}

// buildController builds into a directory of the run's own. One process builds at a time; where the binary is up to
// date already, go build leaves it as it is.
func buildController(t testing.TB) (path string) {
	t.Helper()

	dir := os.Getenv("SESSION_CONTROLLER_TEST_BUILD")
	if dir == "" {
		t.Fatalf("this test builds the controller and SESSION_CONTROLLER_TEST_BUILD names no directory for it: %s", howToGet)
	}

	root := filepath.Dir(output(t, "", "go", "env", "GOMOD"))

	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatalf("open the lock of the controller's build: %v", err)
	}
	defer lock.Close() //nolint:errcheck // Nothing was written, and to close it is to unlock it.

	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatalf("lock the controller's build: %v", err)
	}

	path = filepath.Join(dir, "session-controller")
	output(t, root, "make", "--no-print-directory", "build", "BIN="+path)

	return path
}

// output runs a program in a directory ("" is this one) and returns what it printed, without the space around it.
func output(t testing.TB, dir, program string, args ...string) string {
	t.Helper()

	cmd := exec.CommandContext(t.Context(), program, args...) //nolint:gosec // The directory is hack/test-env.sh's.
	cmd.Dir = dir

	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}

	return strings.TrimSpace(string(out))
}

// RemoveLabelled removes, when the test ends, what carries a label (name=value) on the engine that all tests share:
// what a session server has made, and a test that failed has left.
func RemoveLabelled(t testing.TB, label string) {
	t.Helper()

	docker := Docker(t)

	t.Cleanup(func() {
		ctx, cancel := cleanupContext(t)
		defer cancel()

		left, err := docker.ContainerList(ctx, container.ListOptions{
			All: true, Filters: filters.NewArgs(filters.Arg("label", label)),
		})
		if err != nil {
			t.Errorf("list the containers with label %s: %v", label, err)
		}

		for _, c := range left {
			_ = docker.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true}) // or somebody else has
		}
	})
}
