package testenv

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
)

// controllerPackage is what `make build` builds.
const controllerPackage = "github.com/session-controller/session-controller/cmd/controller"

// built is the controller that the tests of this process share while one of them uses it: linking it takes seconds.
var built struct {
	sync.Mutex

	dir   string
	users int
}

// Controller builds the controller as `make build` does and returns the binary's path. It is gone when the test, and
// every other one that has asked for it, ends.
func Controller(t testing.TB) string {
	t.Helper()

	built.Lock()
	defer built.Unlock()

	if built.users == 0 {
		build(t)
	}

	built.users++

	t.Cleanup(func() {
		built.Lock()
		defer built.Unlock()

		if built.users--; built.users > 0 {
			return
		}

		if err := os.RemoveAll(built.dir); err != nil {
			t.Errorf("remove the built controller: %v", err)
		}
	})

	return filepath.Join(built.dir, "session-controller")
}

// build makes the binary in a new directory. built is locked.
func build(t testing.TB) {
	t.Helper()

	dir, err := os.MkdirTemp("", "sc-built-") //nolint:usetesting // It outlives this test.
	if err != nil {
		t.Fatalf("make a directory for the controller: %v", err)
	}

	cmd := exec.CommandContext(t.Context(),
		"go", "build", "-trimpath", "-buildvcs=false", "-o", dir+"/", controllerPackage)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")

	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)

		t.Fatalf("build the controller: %v\n%s", err, out)
	}

	if err := os.Rename(filepath.Join(dir, "controller"), filepath.Join(dir, "session-controller")); err != nil {
		t.Fatalf("name the controller: %v", err)
	}

	built.dir = dir
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
