package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// startTimeout is what a busy machine may take until the first sweep is complete; an idle one takes 0.2 s.
	startTimeout = 60 * time.Second
	// stopTimeout is longer than the 8 s that the controller gives what is under way.
	stopTimeout = 20 * time.Second
	// lastWords is how much of the log says why it ended.
	lastWords = 5
)

// controller is the built binary, running as a process of its own.
type controller struct {
	cmd *exec.Cmd
	log string
	// address is where its metrics are.
	address string
	// ended is closed when the process has ended; err is how.
	ended chan struct{}
	err   error
}

// startController returns when the first sweep is complete. A port that is free may be somebody else's by the time it
// is bound: then the controller ends, and another port is tried.
func startController(ctx context.Context, binary, config, log string, env []string) (*controller, error) {
	const tries = 3

	var err error

	for range tries {
		var c *controller

		c, err = launch(binary, config, log, env)
		if err != nil {
			return nil, err
		}

		if err = c.awaitSweep(ctx); err == nil {
			return c, nil
		}

		c.kill()

		if ctx.Err() != nil {
			return nil, errInterrupted
		}

		if !strings.Contains(err.Error(), "address already in use") {
			return nil, err
		}
	}

	return nil, err
}

func launch(binary, config, log string, env []string) (*controller, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}

	file, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("create the controller's log: %w; name another file with -log", err)
	}
	defer file.Close() //nolint:errcheck // The controller has a descriptor of its own.

	// Not exec.CommandContext: what has been started is ended in order, also when the run is interrupted.
	cmd := exec.Command(binary, "run", "--config", config, //nolint:noctx // See above.
		"--metrics-bind-address", address, "--health-probe-bind-address", "0")
	cmd.Env, cmd.Stdout, cmd.Stderr = env, file, file
	// A group of its own: Ctrl-C at a terminal must reach it only once, from here. And it dies with this process, whatever
	// that dies of.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the controller %s: %w; build it with make build, or name it with -controller",
			binary, err)
	}

	c := &controller{cmd: cmd, log: log, address: address, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)

		c.err = cmd.Wait()
	}()

	return c, nil
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It is local and waits for nothing.
	if err != nil {
		return "", fmt.Errorf("find a free port on the loopback interface: %w", err)
	}

	address := listener.Addr().String()

	return address, listener.Close()
}

// awaitSweep returns nil when the first sweep is complete.
func (c *controller) awaitSweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	for {
		text, err := scrape(ctx, c.address)
		if err == nil && valueOf(text, "session_controller_last_sweep_timestamp_seconds") > 0 {
			return nil
		}

		select {
		case <-c.ended:
			return c.died()
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the controller did not complete a sweep within %s: see %s", startTimeout, c.log)
		}
	}
}

// died is the sentence about a controller that has ended and should not have.
func (c *controller) died() error {
	how := "exit code 0"
	if c.err != nil {
		how = c.err.Error()
	}

	content, err := os.ReadFile(c.log)
	if err != nil {
		return fmt.Errorf("the controller ended by itself (%s), and its log cannot be read: %w", how, err)
	}

	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	lines = lines[max(0, len(lines)-lastWords):]

	return fmt.Errorf("the controller ended by itself (%s); its last words, more of them in %s:\n%s",
		how, c.log, strings.Join(lines, "\n"))
}

var errKilled = errors.New("it was killed")

// stop ends the process as a supervisor does. It returns an error when that takes too long, or ends in a failure.
func (c *controller) stop() error {
	select {
	case <-c.ended:
		return c.died()
	default:
	}

	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("send SIGTERM to the controller: %w", err)
	}

	err := errKilled
	select {
	case <-c.ended:
		err = c.err
	case <-time.After(stopTimeout):
		c.kill()
	}

	if err != nil {
		return fmt.Errorf("the controller did not end well on SIGTERM within %s: %w; see %s", stopTimeout, err, c.log)
	}

	return nil
}

// kill ends the process for certain. One that has ended is none to end.
func (c *controller) kill() {
	select {
	case <-c.ended:
		return
	default:
	}

	// It may have ended in between, and then the number is not used again before Wait has seen it.
	_ = c.cmd.Process.Kill()
	<-c.ended
}

// logOf returns the controller's last log lines about a session.
func (c *controller) logOf(session string) string {
	content, err := os.ReadFile(c.log)
	if err != nil {
		return ""
	}

	var found [][]byte

	for line := range bytes.Lines(content) {
		if bytes.Contains(line, []byte(`"`+session+`"`)) {
			found = append(found, line)
		}
	}

	return string(bytes.TrimSpace(bytes.Join(found[max(0, len(found)-lastWords):], nil)))
}
