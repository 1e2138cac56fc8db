package deploy

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// docker runs the docker command against the engine that all tests share.
func docker(ctx context.Context, t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+testenv.DockerHost(t))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestTheImageDoesTheMainJob builds the image as README.md says, and runs it as it should be run: as nobody, with a
// read-only root file system and without any capability.
func TestTheImageDoesTheMainJob(t *testing.T) {
	t.Parallel()
	image := "session-controller-test/image:" + testenv.Name(t, "t")
	build := exec.CommandContext(t.Context(), "make", "--no-print-directory", "docker-build", "IMAGE="+image)
	build.Dir, build.Env = root, append(os.Environ(), "DOCKER_HOST="+testenv.DockerHost(t))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make docker-build: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := docker(context.WithoutCancel(t.Context()), t, "image", "rm", image); err != nil {
			t.Errorf("remove the image: %s", out)
		}
	})

	job := newMainJob(t)
	socket := socketOf(t, testenv.DockerHost(t))
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	c := job.newController("")
	if err := os.Chmod(c.config, 0o644); err != nil { //nolint:gosec // the user in the image must be able to read it
		t.Fatal(err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("who owns the engine's socket cannot be told")
	}
	name, probes := testenv.Name(t, "image-"), testenv.FreeAddress(t)
	out, err := docker(t.Context(), t, "run", "--detach", "--name", name, "--read-only", "--cap-drop", "ALL",
		"--security-opt", "no-new-privileges", "--network", "host",
		"--group-add", strconv.FormatUint(uint64(owner.Gid), 10),
		"--volume", socket+":/var/run/docker.sock", "--volume", c.config+":/config.yaml:ro", "--env", "DATABASE_URL="+job.url,
		image, "run", "--config", "/config.yaml", "--metrics-bind-address", "0", "--health-probe-bind-address", probes)
	if err != nil {
		t.Fatalf("docker run: %s", out)
	}
	t.Cleanup(func() { _, _ = docker(context.WithoutCancel(t.Context()), t, "rm", "--force", name) })
	logs := func() string {
		text, _ := docker(t.Context(), t, "logs", name)
		return text
	}
	until(t, "it is ready; log:\n"+logs(), func() bool { return get(t, probes+"/readyz") == "ok\n" })
	job.crash()
	job.done(stringer(logs))
	text, err := docker(t.Context(), t, "exec", name, "/session-controller", "status", "--address", probes)
	if err != nil || !strings.Contains(text, "ready") {
		t.Errorf("status inside of it: %v\n%s", err, text)
	}
	text, err = docker(t.Context(), t, "exec", name, "/session-controller", "status", "--alive", "--address", probes)
	if err != nil || strings.TrimSpace(text) != "" {
		t.Errorf("its health check: %v\n%s", err, text)
	}
	if text, err := docker(t.Context(), t, "top", name, "-o", "uid,pid"); err != nil || !strings.Contains(text, "65532") {
		t.Errorf("it does not run as 65532: %v\n%s", err, text)
	}
	if text, err := docker(t.Context(), t, "stop", name); err != nil {
		t.Errorf("docker stop: %s", text)
	}
	code, err := docker(t.Context(), t, "inspect", "--format", "{{.State.ExitCode}}", name)
	if err != nil || strings.TrimSpace(code) != "0" {
		t.Errorf("it ended with %s; log:\n%s", code, logs())
	}
}

type stringer func() string

// String is what the function returns now.
func (s stringer) String() string { return s() }
