package engine

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

const (
	// The exit codes of a process that a signal ended.
	exitTerminated, exitKilled = 143, 137
	// backoffBase is the engine's first wait before a start by policy; it doubles up to a minute, and is the first again
	// after ten seconds of running.
	backoffBase  = 100 * time.Millisecond
	backoffCap   = time.Minute
	backoffReset = 10 * time.Second
	// dying is how long a process takes to end on a signal.
	dying = 20 * time.Millisecond
)

// Start starts a container that does not run.
func (e *Engine) Start(ref string) error { return e.asked(ref, e.startByHand) }

func (e *Engine) startByHand(c *container) error {
	switch c.Status {
	case Created, Exited:
		c.RestartCount, c.backoff = 0, 0 // the policy begins anew
		e.start(c)
		return nil
	case Running, Restarting:
		return errNotModified
	case Paused:
		return conflictf("cannot start a paused container, try unpause instead")
	case Dead, Removing:
	}
	return conflictf("container is marked for removal and cannot be started")
}

// start makes it run. e.mu is held.
func (e *Engine) start(c *container) {
	if !c.Status.Alive() {
		c.Since = time.Now()
	}
	c.Status, c.StartedAt, c.ExitCode, c.Stopped, c.Killed = Running, e.tick(), 0, false, false
	c.Starts++
	e.emit(c, "start", nil)
	if c.Lives > 0 {
		id, starts := c.ID, c.Starts
		time.AfterFunc(c.Lives, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			if c := e.containers[id]; c != nil && c.Starts == starts && c.Status == Running {
				e.end(c, c.ExitsWith)
			}
		})
	}
}

// Exit lets the process end by itself.
func (e *Engine) Exit(ref string, code int) error {
	return e.with(ref, func(c *container) error {
		if c.Status == Running {
			e.end(c, code)
		}
		return nil
	})
}

// OOM lets the kernel's memory killer end the process. quiet is an engine that does not notice why.
func (e *Engine) OOM(ref string, quiet bool) error {
	return e.with(ref, func(c *container) error {
		if c.Status != Running {
			return nil
		}
		if !quiet {
			e.emit(c, "oom", nil)
		}
		e.end(c, exitKilled)
		c.OOMKilled = !quiet
		return nil
	})
}

// end is the end of a process, and what the engine does about it. e.mu is held.
func (e *Engine) end(c *container, code int) {
	ran := e.now().Sub(c.StartedAt)
	e.exited(c, code)
	e.emit(c, "die", map[string]string{"exitCode": strconv.Itoa(code)})
	switch {
	case c.AutoRemove && !c.kept && e.state != down:
		e.destroy(c)
	case c.restarts() && e.state == up:
		c.backoff = min(2*c.backoff, backoffCap)
		if c.backoff == 0 || ran > backoffReset {
			c.backoff = backoffBase
		}
		c.Status = Restarting
		c.RestartCount++
		starts := c.Starts
		time.AfterFunc(c.backoff, func() { e.startAgain(c, starts) })
	}
}

// exited makes it one whose process has ended, of something else than a lack of memory. e.mu is held.
func (e *Engine) exited(c *container, code int) {
	c.ExitCode, c.OOMKilled = code, false
	e.calledOff(c)
}

// calledOff makes it one that is at rest; of a restarting one nothing else is new than that, and when. e.mu is held.
func (e *Engine) calledOff(c *container) {
	c.Status, c.FinishedAt, c.Ended = Exited, e.tick(), time.Now()
}

// startAgain is the start by policy, unless something else has happened to it since.
func (e *Engine) startAgain(c *container, starts int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.Status != Restarting || c.Starts != starts || e.state != up {
		return
	}
	e.start(c)
}

// Pause and Unpause freeze a container and let it go on.
func (e *Engine) Pause(ref string) error {
	return e.with(ref, func(c *container) error {
		switch c.Status {
		case Running:
		case Restarting:
			return conflictf("Container %s is restarting, wait until the container is running", c.ID)
		case Paused:
			return conflictf("Container %s is already paused", c.ID)
		case Created, Exited, Dead, Removing:
			return conflictf("Container %s is not running", c.ID)
		}
		c.Status = Paused
		e.emit(c, "pause", nil)
		return nil
	})
}

// Unpause is the end of a pause.
func (e *Engine) Unpause(ref string) error {
	return e.with(ref, func(c *container) error {
		if c.Status != Paused {
			return fmt.Errorf("Container %s is not paused", c.ID)
		}
		c.Status = Running
		e.emit(c, "unpause", nil)
		return nil
	})
}

// wait waits for d or until ctx ends; it reports whether it waited to the end.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
