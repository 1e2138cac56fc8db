package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/session-controller/session-controller/test/testenv"
)

// root is the project's directory.
const root = "../.."

// controller runs commands of the built binary with one configuration and environment.
type controller struct {
	t      *testing.T
	binary string
	config string
	env    []string
}

// newController writes a configuration. The environment holds nothing but env.
func newController(t *testing.T, yaml string, env ...string) *controller {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return &controller{t: t, binary: testenv.Controller(t), config: path, env: env}
}

func (c *controller) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), c.binary, append(args, "--config", c.config)...)
	cmd.Env = c.env
	return cmd
}

// does runs a command to its end and returns what it wrote; it fails the test on any other exit code than these.
func (c *controller) does(codes []int, args ...string) string {
	c.t.Helper()
	cmd := c.command(args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	for _, code := range codes {
		if cmd.ProcessState.ExitCode() == code {
			return string(out)
		}
	}
	c.t.Fatalf("%v ended with %d, want one of %v:\n%s", args, cmd.ProcessState.ExitCode(), codes, out)
	return ""
}

// runs starts the controller and ends it with the test. The log is complete when end has returned.
func (c *controller) runs(args ...string) (log *buffer, end func()) {
	c.t.Helper()
	log = &buffer{}
	cmd := c.command(append([]string{"run"}, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	end = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil && c.t.Context().Err() == nil {
			c.t.Errorf("the controller ended with %v; log:\n%s", err, log)
		}
	})
	c.t.Cleanup(end)
	return log, end
}

// buffer is a [bytes.Buffer] that several may write to.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns what was written so far.
func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// until waits for a condition; it fails the test after a time that is long for any machine.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited 30 s in vain until %s", what)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// socketOf is the path of the engine that all tests share.
func socketOf(t *testing.T, host string) string {
	t.Helper()
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		t.Fatalf("this test needs an engine on a unix socket, and it is at %s", host)
	}
	return path
}
