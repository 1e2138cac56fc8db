package controllers

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// outputMute is how long no output is asked for after a call for it has hung: a log driver that does not answer must
// not hold a worker for every container that is removed.
const outputMute = time.Minute

// mostPostMortems bounds what is remembered of containers whose removal is tried again and again.
const mostPostMortems = 10_000

// postMortems writes down how a container ended before it is removed: afterwards nobody can look. Once for each
// container, however often its removal must be tried. It is safe for concurrent use.
type postMortems struct {
	engine Engine
	// lines of its output are written down, too; 0: none, because output can hold secrets.
	lines int

	mu   sync.Mutex
	done map[string]bool
	// mute is until when no output is asked for, after a call for it has hung.
	mute time.Time
}

func newPostMortems(engine Engine, lines int) *postMortems {
	return &postMortems{engine: engine, lines: lines, done: map[string]bool{}}
}

// write writes it down where that is still to be done. It returns true where that took a call of the engine: then what
// was looked at is old by now, and must be looked at again before anything is removed.
func (p *postMortems) write(
	ctx context.Context, log logr.Logger, c dockerwatch.Observation, oom bool,
) (lookAgain bool) {
	due, asks := p.due(c.ID)
	if !due {
		return false
	}
	log = log.WithValues("name", c.Name, "phase", string(c.Phase), "created", c.Created, "restarts", c.RestartCount)
	if !c.StartedAt.IsZero() {
		log = log.WithValues("started", c.StartedAt)
	}
	if !c.FinishedAt.IsZero() {
		log = log.WithValues("finished", c.FinishedAt, "exitcode", c.ExitCode, "oom", oom)
		if !c.StartedAt.IsZero() {
			log = log.WithValues("ran", c.FinishedAt.Sub(c.StartedAt).Round(time.Millisecond).String())
		}
	}
	if kind := c.ErrorKind(); kind != "" {
		log = log.WithValues("error", kind)
	}
	if asks {
		lines, err := p.engine.Output(ctx, c, p.lines)
		switch {
		case ctx.Err() != nil, errors.Is(err, dockerwatch.ErrNotThere):
			p.forget(c.ID)
			return true
		case err != nil:
			p.hung(err)
			log = log.WithValues("nooutput", err.Error())
		default:
			log = log.WithValues("output", lines)
		}
	}
	log.Info("Container is about to be removed, this is how it ended")
	return asks
}

// hung takes an error of a call for output.
func (p *postMortems) hung(err error) {
	if !errors.Is(err, dockerwatch.ErrTimeout) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = time.Now().Add(outputMute)
}

// due reports whether a container's is still to be written, and notes that it is; asks says that its output belongs to
// it.
func (p *postMortems) due(id string) (due, asks bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done[id] {
		return false, false
	}
	if len(p.done) >= mostPostMortems {
		clear(p.done) // some are written twice: better than to grow
	}
	p.done[id] = true
	return true, p.lines > 0 && time.Now().After(p.mute)
}

// forget takes a note back: the container is gone, or nothing was written.
func (p *postMortems) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.done, id)
}
