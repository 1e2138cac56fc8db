package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kill sends a signal as `docker kill` does, by its name without SIG: KILL and TERM end the process, others do not. It
// returns when the process has ended. Whatever the signal, the engine takes it for the wish that the container ends:
// its policy does not start it again, also when it ends much later of something else.
func (e *Engine) Kill(ref, signal string) error {
	ends, err := e.kill(ref, signal)
	if err == nil && ends != nil {
		wait(context.Background(), dying)
		ends()
	}
	return err
}

// kill sends the signal and returns what ends the process; nil where it does not end it.
func (e *Engine) kill(ref, signal string) (ends func(), err error) {
	err = e.with(ref, func(c *container) error {
		if !c.Status.Alive() {
			return conflictf("Container %s is not running", c.ID)
		}
		c.Stopped = true
		if c.Status == Restarting { // there is no process, only the wait for one
			e.calledOff(c)
			return nil
		}
		e.signal(c, signals[signal])
		if signal != "KILL" && (signal != "TERM" || c.Stubborn) {
			return nil
		}
		c.Killed = true
		id, starts := c.ID, c.Starts
		ends = func() { e.finish(id, starts, signal) }
		return nil
	})
	if err != nil {
		err = about("Cannot kill container: "+ref+": ", err)
	}
	return ends, err
}

// signal sends a signal to the process, which ends a pause, as a frozen one would not hear it. e.mu is held.
func (e *Engine) signal(c *container, number int) {
	e.emit(c, "kill", map[string]string{"signal": strconv.Itoa(number)})
	if c.Status == Paused && number != signals["KILL"] { // what is killed ends before it could go on
		c.Status = Running
		e.emit(c, "unpause", nil)
	}
}

// signals are the numbers of those that are sent here.
var signals = map[string]int{
	"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "TERM": 15, "CONT": 18, "STOP": 19, "WINCH": 28,
}

// signalNamed reads a signal as the API has it: a name with or without SIG, or a number; nothing is KILL.
func signalNamed(s string) (name string, known bool) {
	name = strings.TrimPrefix(strings.ToUpper(cmp.Or(s, "KILL")), "SIG")
	if _, known = signals[name]; known {
		return name, true
	}
	for name, number := range signals {
		if strconv.Itoa(number) == s {
			return name, true
		}
	}
	return "", false
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
	return e.stop(ref, grace)
}

// stopAsked is Stop for a client, which the witness is told.
func (e *Engine) stopAsked(ref string, grace time.Duration) (stopped bool, err error) {
	e.announce(ref, Happening{Op: OpStop, Grace: grace})
	return e.stop(ref, grace)
}

func (e *Engine) stop(ref string, grace time.Duration) (stopped bool, err error) {
	var id string
	var starts, lives int
	var stubborn bool
	err = e.with(ref, func(c *container) error {
		if !c.Status.Alive() {
			return nil
		}
		id, starts, lives, stubborn = c.ID, c.Starts, e.lives, c.Stubborn
		c.Stopped = true
		if c.Status == Restarting {
			e.calledOff(c) // there is no process to kill
			e.emit(c, "stop", nil)
			id = ""
			stopped = true
			return nil
		}
		c.Killed = true
		e.signal(c, signals["TERM"])
		return nil
	})
	if err != nil || id == "" {
		return stopped, err
	}
	signal := "TERM"
	if stubborn {
		wait(context.Background(), grace)
		signal = "KILL"
		err = e.with(id, func(c *container) error {
			if e.lives != lives {
				return errGone
			}
			e.emit(c, "kill", map[string]string{"signal": "9"})
			return nil
		})
		if errors.Is(err, errGone) {
			return false, err
		}
	}
	wait(context.Background(), dying)
	e.finish(id, starts, signal)
	_ = e.with(id, func(c *container) error {
		if e.lives == lives {
			e.emit(c, "stop", nil)
		}
		return nil
	})
	return true, nil
}

// Restart is `docker restart`: the container is exited for a moment, and is kept where it would remove itself.
func (e *Engine) Restart(ref string, grace time.Duration) error {
	var id string
	err := e.with(ref, func(c *container) error {
		id, c.kept = c.ID, true
		return nil
	})
	if err != nil {
		return err
	}
	_, err = e.Stop(id, grace)
	wait(context.Background(), dying)
	return e.with(id, func(c *container) error {
		c.kept = false
		if err == nil {
			err = e.startByHand(c)
		}
		if err != nil && !errors.Is(err, errNotModified) {
			return fmt.Errorf("Cannot restart container %s: %s", ref, err) //nolint:staticcheck,errorlint // its words, and 500
		}
		e.emit(c, "restart", nil)
		return nil
	})
}
