package engine

import (
	"context"
	"time"
)

// Kill sends a signal as `docker kill` does: KILL, TERM or none that ends it. It returns when the process has ended.
func (e *Engine) Kill(ref, signal string) error {
	var id string
	var starts int
	err := e.with(ref, func(c *container) error {
		if c.Status != Running && c.Status != Paused {
			return conflictf("Cannot kill container: %s: Container %s is not running", ref, c.ID)
		}
		id, starts = c.ID, c.Starts
		e.emit(c, "kill", map[string]string{"signal": number(signal)})
		if signal == "TERM" && c.Stubborn || signal != "TERM" && signal != "KILL" {
			id = ""
			return nil
		}
		c.Stopped, c.Killed = true, true
		return nil
	})
	if err != nil || id == "" {
		return err
	}
	wait(context.Background(), dying)
	e.finish(id, starts, signal)
	return nil
}

func number(signal string) string {
	switch signal {
	case "KILL":
		return "9"
	case "TERM":
		return "15"
	case "HUP":
		return "1"
	}
	return "10"
}

// finish ends the process that a signal was sent to, if it is still the same one.
func (e *Engine) finish(id string, starts int, signal string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.containers[id]
	if c == nil || c.Starts != starts || !c.Status.Alive() {
		return
	}
	code := exitTerminated
	if signal == "KILL" {
		code = exitKilled
	}
	e.end(c, code)
}

// Stop ends a container as `docker stop` does and reports whether there was anything to end. It goes on inside the
// engine whoever waits for it.
func (e *Engine) Stop(ref string, grace time.Duration) (stopped bool, err error) {
	return e.stop(ref, grace, false)
}

// stop is Stop; a client's is told to the witness.
func (e *Engine) stop(ref string, grace time.Duration, asked bool) (stopped bool, err error) {
	if asked {
		e.announce(OpStop, ref, false)
	}
	var id string
	var starts int
	var stubborn bool
	err = e.with(ref, func(c *container) error {
		if !c.Status.Alive() {
			return nil
		}
		id, starts, stubborn = c.ID, c.Starts, c.Stubborn
		c.Stopped = true
		if c.Status == Restarting {
			c.Status = Exited // there is no process to kill
			e.emit(c, "stop", nil)
			id = ""
			stopped = true
			return nil
		}
		c.Killed = true
		e.emit(c, "kill", map[string]string{"signal": "15"})
		return nil
	})
	if err != nil || id == "" {
		return stopped, err
	}
	signal := "TERM"
	if stubborn {
		wait(context.Background(), grace)
		signal = "KILL"
		_ = e.with(id, func(c *container) error { e.emit(c, "kill", map[string]string{"signal": "9"}); return nil })
	}
	wait(context.Background(), dying)
	e.finish(id, starts, signal)
	_ = e.with(id, func(c *container) error { e.emit(c, "stop", nil); return nil })
	return true, nil
}

// Restart is `docker restart`: the container is exited for a moment.
func (e *Engine) Restart(ref string, grace time.Duration) error {
	if _, err := e.Stop(ref, grace); err != nil {
		return err
	}
	wait(context.Background(), dying)
	if err := e.Start(ref); err != nil {
		return err
	}
	return e.with(ref, func(c *container) error { e.emit(c, "restart", nil); return nil })
}
