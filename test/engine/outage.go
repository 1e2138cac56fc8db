package engine

import (
	"context"
	"time"
)

// state is that of the engine's own process.
type state int

const (
	up state = iota
	// closing refuses new connections, serves those that are open, and stops its containers.
	closing
	down
)

// Crash ends the engine's process at once (kill -9): every connection breaks. Its containers run on until it is back.
func (e *Engine) Crash() {
	e.mu.Lock()
	e.state = down
	e.mu.Unlock()
	e.front.drop()
}

// Shutdown ends the engine's process as SIGTERM does and returns when it has ended. With live restore the containers
// run on. Otherwise they are stopped, and those with a restart policy read exited meanwhile, although they will be
// started again.
func (e *Engine) Shutdown(liveRestore bool, grace time.Duration) {
	e.mu.Lock()
	e.state = closing
	var longest time.Duration
	if !liveRestore {
		for _, c := range e.sorted() {
			if c.Status != Running && c.Status != Paused && c.Status != Restarting {
				continue
			}
			if c.Stubborn {
				longest = grace
				continue
			}
			e.endForShutdown(c, exitTerminated)
		}
	}
	e.mu.Unlock()
	wait(context.Background(), longest+dying)
	e.mu.Lock()
	if !liveRestore {
		for _, c := range e.sorted() {
			if c.Status.Alive() {
				e.endForShutdown(c, exitKilled)
			}
		}
	}
	e.state = down
	e.mu.Unlock()
	e.front.drop()
}

// endForShutdown ends a container that its engine takes down with it. e.mu is held.
func (e *Engine) endForShutdown(c *container, code int) {
	e.emit(c, "kill", map[string]string{"signal": "15"})
	c.Killed = true
	e.exited(c, code)
	e.emit(c, "die", map[string]string{"exitCode": "143"})
	e.emit(c, "stop", nil)
	if c.AutoRemove {
		e.destroy(c)
	}
}

// Boot starts the engine again. It has forgotten its events. Without live restore, containers that ran on are ended
// first, which an unless-stopped one takes for a stop on purpose, and an always one does not. Those with a restart
// policy are started, those that remove themselves are gone in any case, the others are exited.
func (e *Engine) Boot(liveRestore bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.recent = nil
	for _, c := range e.sorted() {
		switch {
		case c.Status == Restarting: // there is no process to end
			c.Status = Exited
		case c.Status.Alive() && !liveRestore:
			e.exited(c, exitKilled)
			c.Stopped, c.Killed = true, true // to end what ran on counts as a stop on purpose
		}
		if c.AutoRemove && c.Status != Created { // also with live restore, as 20.10 does it
			e.destroy(c)
			continue
		}
		if c.Status == Exited && (c.restarts() || c.RestartPolicy == "always") {
			e.start(c)
		}
	}
	e.state = up
	e.front.open()
}

// Reboot is the end and the start of the machine: every process is gone.
func (e *Engine) Reboot(down time.Duration) {
	e.Crash()
	wait(context.Background(), down)
	e.Boot(false)
}

// Break breaks every connection that is open; new ones are taken at once.
func (e *Engine) Break() {
	e.front.drop()
	if e.serving() {
		e.front.open()
	}
}

// serving reports whether new connections are taken.
func (e *Engine) serving() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state == up
}
