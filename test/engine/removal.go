package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Remove removes a container as DELETE does: without force only one that does not run.
func (e *Engine) Remove(ref string, force bool) error { return e.remove(ref, force, false) }

// remove is Remove; a client's is told to the witness.
func (e *Engine) remove(ref string, force, asked bool) error {
	if asked {
		e.announce(OpRemove, ref, force)
	}
	var slow time.Duration
	var id string
	err := e.with(ref, func(c *container) error {
		if err := removable(c, force); err != nil {
			return err
		}
		switch {
		case c.Status == Restarting: // there is no process to kill
			c.Status, c.Stopped = Exited, true
		case c.Status.Alive():
			c.Stopped, c.Killed = true, true
			e.emit(c, "kill", map[string]string{"signal": "9"})
			e.exited(c, exitKilled)
			e.emit(c, "die", map[string]string{"exitCode": "137"})
		}
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
	return e.with(id, e.destroyOrFail)
}

// announce tells the witness, unless the engine is going to refuse.
func (e *Engine) announce(op Op, ref string, force bool) {
	e.mu.Lock()
	witness := e.witness
	c, err := e.find(ref)
	var h Happening
	if err == nil {
		h = Happening{Op: op, Force: force, Container: c.snapshot()}
		if op == OpRemove {
			err = removable(c, force)
		}
	}
	e.mu.Unlock()
	if err == nil && witness != nil {
		witness(h)
	}
}

// removable is why the engine refuses to remove a container; the texts are its own.
func removable(c *container, force bool) error {
	switch {
	case c.Status == Removing:
		return conflictf("removal of container %s is already in progress", c.ID)
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
		c.Error = fmt.Sprintf("container %s: driver \"overlay2\" failed to remove root filesystem: device or resource busy",
			c.ID)
		return errors.New(c.Error)
	}
	e.destroy(c)
	return nil
}

// destroy takes a container out of the table. e.mu is held.
func (e *Engine) destroy(c *container) {
	delete(e.containers, c.ID)
	delete(e.names, c.Name)
	c.Status = Removing
	e.past[c.ID] = c.snapshot()
	e.emit(c, "destroy", nil)
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
