package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// TestOutageAContainerThatCannotBeRemovedHoldsUpNobody makes a file of the container immutable: the engine fails to
// remove it and leaves the container dead.
func TestOutageAContainerThatCannotBeRemovedHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := followed(t, testenv.PostgresURL(t))
	unharmed := w.healthy(quietly(2)...)
	stuck, others := w.ends(), w.accidents(1)
	id := stuck.want.container
	info, err := w.docker.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(info.DockerRootDir, "containers", id, "hostname")
	w.attribute("+i", file)
	free := sync.OnceFunc(func() { w.attribute("-i", file) })
	t.Cleanup(free)
	w.start(w.engine)

	happen([]accident{stuck})
	w.until("the engine has failed to remove it", func() bool { return w.state(id) == "dead" })
	want := happen(others)
	took := w.settles(recovery, want)
	session := `"session":"` + stuck.want.session + `"`
	w.until("it is tried again", func() bool { return len(w.log.with(session, "error")) >= 3 })
	w.wantRow(stuck.want.session, "TERMINATED "+id)
	// It is said once, not at every try.
	w.log.want(t, 1, "Reconcile failed, will retry", session, `"action":"remove"`)

	free()
	t.Logf("the others were done after %s, and it %s after it could be removed",
		took, w.settles(afterBackoff, []settled{stuck.want}))
	w.nothingElse(want)
	unharmed()
}

// attribute changes an attribute of a file, as chattr does.
func (w *world) attribute(change, file string) {
	w.Helper()
	ctx := context.WithoutCancel(w.Context()) // it is taken away when the test has ended, too
	if out, err := exec.CommandContext(ctx, "chattr", change, file).CombinedOutput(); err != nil {
		w.Errorf("chattr %s %s: %v: %s", change, file, err, out)
	}
}

// TestOutageContainersWhoseInspectHangsDelayNobody stops the shims of many more containers than there are workers, in
// their tracks and with a stop of each under way: the engine holds a container's lock for as long, and every look waits
// for it.
func TestOutageContainersWhoseInspectHangsDelayNobody(t *testing.T) {
	t.Parallel()
	w := followed(t, testenv.PostgresURL(t))
	private, _ := w.privateEngine()
	// What hangs holds each worker so long. The full form's is the default.
	timeout := inForm(2*time.Second, 5*time.Second)
	engine, err := dockerwatch.New(dockerwatch.Config{Host: private.Host(), Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	w.opts.Engine = engine
	unharmed := w.healthy(quietly(2)...)
	// Were each of them let in whenever its backoff is over, one that answers would wait for a worker behind the looks of
	// three that hang.
	w.opts.Workers = inForm(2, 4)
	w.opts.MaxBackoff = inForm(timeout/4, maxBackoff) // or so few would be waiting for their next try, most of the time
	each := inForm(3, 4)
	// The others need several passes. Were they to wait for a worker, each would wait for the looks of as many that hang.
	soonEnough := 2 * time.Duration(each) * timeout
	hanging, others := w.accidents(each*w.opts.Workers, w.ends), w.accidents(inForm(1, 2))
	w.start(engine)
	w.sureOfNames() // or a failure is one of the name first, and then one of the id

	thaw := w.hang(hanging)
	want := happen(hanging)
	rows := w.rowsOf(want)
	// Those that have hung once leave at least half of the workers to those that have not.
	w.within(2*time.Duration(each)*timeout+recovery, "each was looked at in vain", func() bool {
		for _, s := range want {
			if len(w.log.with(`"session":"`+s.session+`"`, "did not answer in time")) == 0 {
				return false
			}
		}
		return true
	})
	tries := func() int { return len(w.log.with("did not answer in time")) }
	before := tries()
	took := w.settles(soonEnough, happen(others))
	w.within(afterBackoff, "those that hang are tried on and on", func() bool { return tries() > before+1 })
	if now := w.rowsOf(want); now != rows {
		t.Errorf("while their inspects hang, before:\n%s\nnow:\n%s\nlog:\n%s", rows, now, w.log)
	}
	for _, s := range want { // it is said once, not at every try
		w.log.want(t, 1, "Reconcile failed, will retry", `"session":"`+s.session+`"`,
			"did not answer in time")
	}

	thaw()
	t.Logf("the others were done after %s, and those that hung %s after they answered",
		took, w.settles(afterBackoff, want))
	unharmed()
}

// hang makes the engine's looks at these containers hang until the returned function is called, or the test ends.
func (w *world) hang(all []accident) (thaw func()) {
	w.Helper()
	shims := make([]int, 0, len(all))
	var stops sync.WaitGroup
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.Context()))
	thaw = sync.OnceFunc(func() {
		for _, pid := range shims {
			_ = syscall.Kill(pid, syscall.SIGCONT) // one that has ended hangs no more
		}
		cancel()
		stops.Wait()
	})
	w.Cleanup(thaw) // before the first is stopped: what follows may fail half-way
	for _, a := range all {
		id := a.want.container
		pid := w.shim(id)
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			w.Fatal(err)
		}
		shims = append(shims, pid)
		stops.Go(func() { _ = w.docker.ContainerStop(ctx, id, container.StopOptions{}) }) // it hangs, too
	}
	w.until("their inspects hang", func() bool {
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		var looks sync.WaitGroup
		var hang atomic.Int64
		for _, a := range all {
			looks.Go(func() {
				if _, err := w.docker.ContainerInspect(ctx, a.want.container); errors.Is(err, context.DeadlineExceeded) {
					hang.Add(1)
				}
			})
		}
		looks.Wait()
		return int(hang.Load()) == len(all)
	})
	return thaw
}

// shim finds the process that stands between the engine and a container.
func (w *world) shim(id string) (pid int) {
	w.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		w.Fatal(err)
	}
	for _, path := range lines {
		line, err := os.ReadFile(path)
		name, _, _ := bytes.Cut(line, []byte{0})
		if err != nil || !bytes.Contains(name, []byte("containerd-shim")) || !bytes.Contains(line, []byte(id)) {
			continue // another process, or one that has ended
		}
		if pid, err = strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			return pid
		}
	}
	w.Fatalf("container %s has no shim", id)
	return 0
}
