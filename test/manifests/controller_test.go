package manifests

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the project's directory.
const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// takes checks that the controller takes a configuration and flags: it gets as far as the database, where nothing
// listens.
func takes(t *testing.T, yaml string, flags []string) {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join(root, "bin/session-controller"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: run these tests by `make test-modules`, which builds it", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	database := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	flags = slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return strings.HasPrefix(f, "--config") })
	cmd := exec.CommandContext(t.Context(), binary, slices.Concat([]string{"run", "--config", config}, flags)...)
	cmd.Env = []string{
		"DATABASE_URL=postgres://app:p@" + database + "/app?sslmode=disable",
		"DOCKER_HOST=unix://" + filepath.Join(dir, "docker.sock"),
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), database) ||
		!strings.Contains(string(out), "refused") {
		t.Errorf("the controller does not take it: %v\n%s", err, out)
	}
}
