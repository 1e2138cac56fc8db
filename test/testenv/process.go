package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// process is a child that runs until somebody ends it. Its zero pointer is one that never ran.
type process struct {
	name string
	cmd  *exec.Cmd
	// ended is closed when the process has ended and its exit status has been collected.
	ended chan struct{}
}

// spawn starts a program whose output goes to log.
func spawn(log *os.File, name string, args ...string) (*process, error) {
	return spawnAs(&syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, log, name, args...)
}

// spawnAs is spawn for another user. With the signal in as, a test binary that is killed, or panics at its time limit,
// takes the process with it.
func spawnAs(as *syscall.SysProcAttr, log *os.File, name string, args ...string) (*process, error) {
	// Not exec.CommandContext: the process must outlive the test's context, which ends before the cleanups run.
	cmd := exec.Command(name, args...) //nolint:noctx // See above.
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = as

	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// How it ended is of no interest: most are killed.
		_ = cmd.Wait()
	}()

	return &process{name: name, cmd: cmd, ended: ended}, nil
}

func (p *process) running() bool {
	if p == nil {
		return false
	}

	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

func (p *process) signal(signal syscall.Signal) error {
	if !p.running() {
		return os.ErrProcessDone
	}

	return p.cmd.Process.Signal(signal)
}

// stopped is nil when no thread of the process runs, after SIGSTOP.
func (p *process) stopped() error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	if err != nil {
		return fmt.Errorf("list the threads of %s: %w", p.name, err)
	}

	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // It has ended.
		}

		if err != nil {
			return fmt.Errorf("look at a thread of %s: %w", p.name, err)
		}

		// proc(5): the state follows the name, which stands in brackets and may itself contain some.
		if state := stat[bytes.LastIndexByte(stat, ')')+1:]; !bytes.HasPrefix(state, []byte(" T")) {
			return fmt.Errorf("a thread of %s: %w", p.name, errRunning)
		}
	}

	return nil
}

// wait returns when the process has ended, or with an error when ctx ends first.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s is still running: %w", p.name, ctx.Err())
	}
}

// kill ends the process for certain and returns when it has ended. A process that never ran is none to end.
func (p *process) kill(ctx context.Context) error {
	if !p.running() {
		return nil
	}

	// It may have ended in between; wait says.
	_ = p.signal(syscall.SIGKILL)

	return p.wait(ctx)
}
