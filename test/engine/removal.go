package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Remove removes a container as DELETE does: without force only one that does not run.
func (e *Engine) Remove(ref string, force bool) error {
	if err := e.asked(ref, func(*container) error { return nil }); err != nil {
		return err
	}
	return e.remove(ref, force)
}

// removeAsked is Remove for a client, which the witness is told.
func (e *Engine) removeAsked(ref string, force, volumes bool) error {
	e.announce(ref, Happening{Op: OpRemove, Force: force, Volumes: volumes})
	return e.remove(ref, force)
}

func (e *Engine) remove(ref string, force bool) error {
	var slow time.Duration
	var lives int
	var id string
	err := e.with(ref, func(c *container) error {
		if err := removable(c, ref, force); err != nil {
			return err
		}
		lives = e.lives
		e.kill9(c)
		if id = c.ID; c.removal > 0 {
			c.Status, slow = Removing, c.removal
			return nil
		}
		return e.destroyOrFail(c)
	})
	if err != nil || slow == 0 {
		return err
	}
	wait(context.Background(), slow)
	return e.with(id, func(c *container) error {
		if e.lives != lives {
			return errGone
		}
		return e.destroyOrFail(c)
	})
}

// errGone is the answer that nobody gets, as the engine has gone meanwhile.
var errGone = errors.New("the engine has gone")

// kill9 ends what there is of a process, at once. e.mu is held.
func (e *Engine) kill9(c *container) {
	switch {
	case c.Status == Restarting: // there is no process to kill
		c.Stopped = true
		e.calledOff(c)
	case c.Status.Alive():
		c.Stopped, c.Killed = true, true
		e.signal(c, signals["KILL"])
		e.exited(c, exitKilled)
		e.emit(c, "die", map[string]string{"exitCode": strconv.Itoa(exitKilled)})
	}
}

// announce tells the witness what is going to happen to a container, unless the engine is going to refuse.
func (e *Engine) announce(ref string, h Happening) {
	e.mu.Lock()
	witness := e.witness
	c, err := e.find(ref)
	if err == nil {
		h.Container = c.snapshot()
		if h.Op == OpRemove {
			err = removable(c, ref, h.Force)
		}
	}
	e.mu.Unlock()
	if err == nil && witness != nil {
		witness(h)
	}
}

// removable is why the engine refuses to remove a container; the texts are its own.
func removable(c *container, ref string, force bool) error {
	switch {
	case c.Status == Removing:
		return conflictf("removal of container %s is already in progress", ref)
	case force || !c.Status.Alive():
		return nil
	case c.Status == Paused:
		return conflictf("You cannot remove a paused container %s. Unpause and then stop the container before attempting "+
			"removal or force remove", c.ID)
	}
	return conflictf("You cannot remove a %s container %s. Stop the container before attempting removal or force remove",
		c.Status, c.ID)
}

func (e *Engine) destroyOrFail(c *container) error {
	if c.unremovable {
		c.Status = Dead
		c.Error = fmt.Sprintf("unable to remove filesystem for %s: unlinkat %s/containers/%s/unremovable: "+
			"operation not permitted", c.ID, e.root, c.ID)
		return errors.New(c.Error)
	}
	e.destroy(c)
	return nil
}

// destroy removes a container. e.mu is held.
func (e *Engine) destroy(c *container) {
	e.forget(c)
	e.emit(c, "destroy", nil)
}

// forget takes a container out of the table. e.mu is held.
func (e *Engine) forget(c *container) {
	delete(e.containers, c.ID)
	e.displace(c)
	delete(e.names, c.Name)
	c.Status = Removing
	e.past[c.ID] = c.snapshot()
}

// Wedge makes the inspect of a container hang, and its stop and removal with it, until it is called with false.
func (e *Engine) Wedge(ref string, wedged bool) error {
	return e.with(ref, func(c *container) error {
		c.Wedged = wedged
		return nil
	})
}

// FailRemovals makes the removal of a container fail, which leaves it dead, until it is called with false.
func (e *Engine) FailRemovals(ref string, fail bool) error {
	return e.with(ref, func(c *container) error {
		c.unremovable = fail
		return nil
	})
}

// SlowRemoval makes the removal of a container take so long.
func (e *Engine) SlowRemoval(ref string, d time.Duration) error {
	return e.with(ref, func(c *container) error {
		c.removal = d
		return nil
	})
}
