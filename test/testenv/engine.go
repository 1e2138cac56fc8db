package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/client"
)

const (
	// startTimeout is what a busy machine may take; an idle one needs about 1 s.
	startTimeout = 60 * time.Second
	// stopTimeout is the 10 s that an engine gives its containers on SIGTERM, 15 s in which it gives up on them, and the
	// same again for a busy machine.
	stopTimeout = 50 * time.Second
	// maxSocketPath is the longest path of a Unix socket: 108 bytes with the closing zero.
	maxSocketPath = 107
)

// Engine is a private Docker Engine that a test may kill, stop and freeze: a containerd and a dockerd of its own, all
// that belongs to them below one directory. Only the test that started it uses it, from one goroutine.
//
// hack/lib.sh starts engines in the same way: a change here belongs there, too.
type Engine struct {
	t          testing.TB
	dir        string
	args       []string
	containerd *process
	dockerd    *process
	docker     *client.Client
}

// StartEngine starts a private engine that has the test image. Arguments are added to dockerd's command line, for
// example "--live-restore". When the test ends, the engine ends with its containers, and nothing of it is left.
// It needs root and fails the test without.
func StartEngine(t testing.TB, args ...string) *Engine {
	t.Helper()

	if os.Geteuid() != 0 {
		t.Fatalf("this test starts a Docker Engine of its own, which needs root: as root, %s", howToGet)
	}

	// Not t.TempDir: its path contains the test's name and gets too long for a socket. hack/test-env.sh knows the prefix.
	dir, err := os.MkdirTemp("", "sc-engine-") //nolint:usetesting // See above.
	if err != nil {
		t.Fatalf("make the engine's directory: %v", err)
	}

	e := &Engine{t: t, dir: dir, args: args}
	t.Cleanup(e.cleanUp)

	if socket := e.path("containerd.sock.ttrpc"); len(socket) > maxSocketPath {
		t.Fatalf("%s is too long for a Unix socket (%d bytes): set TMPDIR to a shorter directory", socket, maxSocketPath)
	}

	e.startContainerd()
	e.Start()
	e.docker = newClient(t, e.Host())
	e.copyImage()

	return e
}

// Host is the engine's address. It stays the same when the engine is started again.
func (e *Engine) Host() string { return "unix://" + e.path("docker.sock") }

// Docker is a client of this engine, closed when the test ends.
func (e *Engine) Docker() *client.Client { return e.docker }

// Run is like [Run] on this engine.
func (e *Engine) Run(c Container) string {
	e.t.Helper()

	id := create(e.t, e.docker, c)
	start(e.t, e.docker, id, c)

	return id
}

// Signal is like [Signal] on this engine.
func (e *Engine) Signal(id string, signal syscall.Signal) {
	e.t.Helper()
	send(e.t, e.docker, id, signal)
}

// Start starts dockerd, again after [Engine.Kill] or [Engine.Terminate], and returns when it answers.
func (e *Engine) Start() {
	e.t.Helper()

	if e.dockerd.running() {
		e.t.Fatal("start the private engine: it is running already")
	}

	// A killed dockerd leaves it, and refuses to start while the number in it is somebody's.
	if err := os.Remove(e.path("dockerd.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		e.t.Fatalf("remove the pid file of the private engine: %v", err)
	}

	e.dockerd = e.spawn("dockerd", append([]string{
		"--config-file", e.path("daemon.json"), "--containerd", e.path("containerd.sock"),
		"--data-root", e.path("data"), "--exec-root", e.path("exec"),
		"--pidfile", e.path("dockerd.pid"), "--host", e.Host(),
		"--bridge", "none", "--iptables=false", "--ip6tables=false",
		"--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", e.cgroup(),
	}, e.args...)...)

	docker := newClient(e.t, e.Host())
	e.await(e.dockerd, func(ctx context.Context) error {
		_, err := docker.Ping(ctx)

		return err
	})
}

// Kill ends dockerd as a crash does (SIGKILL). Its containers run on until it is started again; without --live-restore
// they are ended then.
func (e *Engine) Kill() {
	e.t.Helper()
	e.end(syscall.SIGKILL)
}

// Terminate ends dockerd as a shutdown does (SIGTERM) and returns when it has ended, its containers first.
func (e *Engine) Terminate() {
	e.t.Helper()
	e.end(syscall.SIGTERM)
}

// Freeze stops dockerd in its tracks (SIGSTOP): it accepts connections and never answers.
func (e *Engine) Freeze() {
	e.t.Helper()
	e.signal(syscall.SIGSTOP)

	ctx, cancel := context.WithTimeout(e.t.Context(), startTimeout)
	defer cancel()

	// The signal is delivered thread by thread: one that is on a processor right now may still answer a call.
	if err := poll(ctx, e.dockerd.stopped); err != nil {
		e.t.Fatalf("wait for the private engine to stop in its tracks: %v", err)
	}
}

// Thaw lets a frozen dockerd go on (SIGCONT).
func (e *Engine) Thaw() {
	e.t.Helper()
	e.signal(syscall.SIGCONT)
}

func (e *Engine) path(name string) string { return filepath.Join(e.dir, name) }

// cgroup is the control group that holds all containers of this engine and nothing else.
func (e *Engine) cgroup() string { return "/session-controller" + strings.ReplaceAll(e.dir, "/", "-") }

func (e *Engine) signal(signal syscall.Signal) {
	e.t.Helper()

	if err := e.dockerd.signal(signal); err != nil {
		e.t.Fatalf("send %v to the private engine: %v", signal, err)
	}
}

func (e *Engine) end(signal syscall.Signal) {
	e.t.Helper()
	e.signal(signal)

	ctx, cancel := context.WithTimeout(e.t.Context(), stopTimeout)
	defer cancel()

	if err := e.dockerd.wait(ctx); err != nil {
		e.t.Fatalf("wait for the private engine to end after %v: %v; its last words: %s", signal, err, e.lastWords("dockerd"))
	}
}

// startContainerd starts the engine's own containerd. Left alone, dockerd would use the machine's where one is running,
// and share it with other engines.
func (e *Engine) startContainerd() {
	e.t.Helper()

	config := fmt.Sprintf(`version = 2
root = %q
state = %q
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
[grpc]
address = %q
`, e.path("containerd"), e.path("containerd-run"), e.path("containerd.sock"))

	// The machine's own /etc/docker/daemon.json is not meant for this engine: it gets an empty one.
	for name, content := range map[string]string{"containerd.toml": config, "daemon.json": "{}\n"} {
		if err := os.WriteFile(e.path(name), []byte(content), 0o600); err != nil {
			e.t.Fatalf("configure the private engine: %v", err)
		}
	}

	e.containerd = e.spawn("containerd", "--config", e.path("containerd.toml"))
	e.await(e.containerd, func(context.Context) error {
		_, err := os.Stat(e.path("containerd.sock"))

		return err
	})
}

// spawn starts one of the engine's two processes; it fails the test when that cannot be done.
func (e *Engine) spawn(name string, args ...string) *process {
	e.t.Helper()

	log, err := os.OpenFile(e.path(name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		e.t.Fatalf("open the log of %s: %v", name, err)
	}
	defer log.Close() //nolint:errcheck // The process has its own handle; nothing is written to this one.

	p, err := spawn(log, name, args...)
	if errors.Is(err, exec.ErrNotFound) {
		e.t.Fatalf("this test needs %s, which is not installed: %s", name, howToGet)
	}

	if err != nil {
		e.t.Fatalf("start %s: %v", name, err)
	}

	return p
}

// await returns when look succeeds; it fails the test when the process ends or the time is over before.
func (e *Engine) await(p *process, look func(context.Context) error) {
	e.t.Helper()

	ctx, cancel := context.WithTimeout(e.t.Context(), startTimeout)
	defer cancel()

	err := poll(ctx, func() error {
		if !p.running() {
			// It will never answer: no need to wait for the time-out.
			cancel()
		}

		return look(ctx)
	})
	if err != nil {
		e.t.Fatalf("wait for %s to answer: %v; its last words: %s", p.name, err, e.lastWords(p.name))
	}
}

func (e *Engine) lastWords(name string) string { return lastWords(e.path(name + ".log")) }

// lastWords is the end of a log.
func lastWords(path string) string {
	const enough = 2000

	log, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}

	return string(log[max(0, len(log)-enough):])
}
