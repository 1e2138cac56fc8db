package engine

import (
	"context"
	"strconv"
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
	e.dies()
	e.mu.Unlock()
	e.front.drop()
}

// dies is the end of the engine's process. What ignores the stop that was under way runs on, and how it ends one day
// has nothing to do with that. e.mu is held.
func (e *Engine) dies() {
	e.state = down
	e.lives++
	for _, c := range e.sorted() {
		if c.Stubborn && c.Status.Alive() {
			c.Killed = false
		}
	}
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
	e.dies()
	e.mu.Unlock()
	e.front.drop()
}

// endForShutdown ends a container that its engine takes down with it. e.mu is held.
func (e *Engine) endForShutdown(c *container, code int) {
	if c.Status == Restarting { // there is no process to end
		e.calledOff(c)
		e.emit(c, "stop", nil)
		return
	}
	e.signal(c, signals["TERM"])
	c.Killed = true
	e.exited(c, code)
	e.emit(c, "die", map[string]string{"exitCode": strconv.Itoa(code)})
	e.emit(c, "stop", nil)
	if c.AutoRemove {
		e.destroy(c)
	}
}

// Lose takes away every container of an engine that is down, as a data root that was wiped does. Nothing tells of it.
func (e *Engine) Lose() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.sorted() {
		e.kill9(c)
		e.forget(c)
	}
}

// Boot starts the engine again. It has forgotten its events. Without live restore, containers that ran on are stopped
// first, at once (a real one gives one that ignores the signal 10 s, and answers nobody for as long), which an
// unless-stopped one takes for a stop on purpose. Those with a restart policy are started: an always one whatever
// became of it, an on-failure one also where it was stopped on purpose, as that left an exit code. Those that remove
// themselves are gone in any case, with live restore too, as 20.10 does it; so are those whose removal had failed,
// without an event. The others are exited.
func (e *Engine) Boot(liveRestore bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.recent = nil
	for _, c := range e.sorted() {
		if c.Status == Dead { // what is written of it went in the removal that failed
			e.forget(c)
			continue
		}
		e.restore(c, liveRestore)
		switch {
		case c.AutoRemove && c.Status != Dead:
			e.kill9(c)
			_ = e.destroyOrFail(c)
		case c.Status == Exited && c.comesBack():
			c.RestartCount, c.backoff = 0, 0
			e.start(c)
		}
	}
	e.state = up
	e.front.open()
}

// restore finds out what became of a container while there was no engine. e.mu is held.
func (e *Engine) restore(c *container, liveRestore bool) {
	switch {
	case c.Status == Removing: // the removal went with the engine
		c.Status = Dead
	case c.Status == Restarting: // there is no process, and how the last one ended was not written down
		e.exited(c, 0)
	case c.Status.Alive() && !liveRestore:
		c.Stopped, c.Killed = true, true
		e.signal(c, signals["TERM"])
		code := exitTerminated
		if c.Stubborn {
			e.signal(c, signals["KILL"])
			code = exitKilled
		}
		e.exited(c, code)
		e.emit(c, "die", map[string]string{"exitCode": strconv.Itoa(code)})
		e.emit(c, "stop", nil)
	}
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
