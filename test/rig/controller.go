package rig

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
	// lastWords is how many lines of the log say why it ended.
	lastWords = 5
)

// Program is the built controller and how it is to be run.
type Program struct {
	// Binary is its file, Config its configuration file, and Log the file that its log goes to.
	Binary, Config, Log string
	// Env is the whole of its environment.
	Env []string
	// Args come after `run` and the flags that Start gives. Nil: there are none.
	Args []string
}

// Controller is the built controller, running as a process of its own.
type Controller struct {
	cmd *exec.Cmd
	log string
	// address is where its metrics are.
	address string
	// ended is closed when the process has ended; err is how.
	ended chan struct{}
	err   error
}

// Start returns when the first sweep is complete. A port that is free may be somebody else's by the time it is bound:
// then the controller ends, and another port is tried. The error is ctx's own where ctx has ended.
func (p Program) Start(ctx context.Context) (*Controller, error) {
	const tries = 3

	var err error

	for range tries {
		var c *Controller

		c, err = p.launch()
		if err != nil {
			return nil, err
		}

		if err = c.awaitSweep(ctx); err == nil {
			return c, nil
		}

		c.Kill()

		if ctx.Err() != nil {
			return nil, ctx.Err()
		}

		if !strings.Contains(err.Error(), "address already in use") {
			return nil, err
		}
	}

	return nil, err
}

func (p Program) launch() (*Controller, error) {
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}

	file, err := os.Create(p.Log)
	if err != nil {
		return nil, fmt.Errorf("create the controller's log: %w; name another file with -log", err)
	}
	defer file.Close() //nolint:errcheck // The controller has a descriptor of its own.

	args := append([]string{
		"run", "--config", p.Config, "--metrics-bind-address", address, "--health-probe-bind-address", "0",
	}, p.Args...)
	// Not exec.CommandContext: what has been started is ended in order, also when the run is interrupted.
	cmd := exec.Command(p.Binary, args...) //nolint:noctx // See above.
	cmd.Env, cmd.Stdout, cmd.Stderr = p.Env, file, file
	// A group of its own: Ctrl-C at a terminal must reach it only once, from here. And it dies with this process, whatever
	// that dies of.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}

	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the controller %s: %w; build it with make build, or name it with -controller",
			p.Binary, err)
	}

	c := &Controller{cmd: cmd, log: p.Log, address: address, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)

		c.err = cmd.Wait()
	}()

	return c, nil
}

// FreeAddress is an address of the loopback interface that nobody listens on. Somebody may by the time it is used.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // It is local and waits for nothing.
	if err != nil {
		return "", fmt.Errorf("find a free port on the loopback interface: %w", err)
	}

	address := listener.Addr().String()

	return address, listener.Close()
}

// awaitSweep returns nil when the first sweep is complete.
func (c *Controller) awaitSweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	for {
		text, err := c.Scrape(ctx)
		if err == nil && ValueOf(text, "session_controller_last_sweep_timestamp_seconds") > 0 {
			return nil
		}

		select {
		case <-c.ended:
			return c.Died()
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the controller did not complete a sweep within %s: see %s", startTimeout, c.log)
		}
	}
}

// PID is the id of its process.
func (c *Controller) PID() int { return c.cmd.Process.Pid }

// Log is the file that its log is in.
func (c *Controller) Log() string { return c.log }

// Ended is closed when the process has ended.
func (c *Controller) Ended() <-chan struct{} { return c.ended }

// Died is the sentence about a controller that has ended and should not have.
func (c *Controller) Died() error {
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

// Stop ends the process as a supervisor does. It returns an error when that takes too long, or ends in a failure.
func (c *Controller) Stop() error {
	select {
	case <-c.ended:
		return c.Died()
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
		c.Kill()
	}

	if err != nil {
		return fmt.Errorf("the controller did not end well on SIGTERM within %s: %w; see %s", stopTimeout, err, c.log)
	}

	return nil
}

// Kill ends the process for certain. One that has ended is none to end.
func (c *Controller) Kill() {
	select {
	case <-c.ended:
		return
	default:
	}

	// It may have ended in between, and then the number is not used again before Wait has seen it.
	_ = c.cmd.Process.Kill()
	<-c.ended
}

// LogOf returns its last log lines about a session, or "" when there are none.
func (c *Controller) LogOf(session string) string {
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
