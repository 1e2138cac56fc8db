package controllers

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

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
}

func newPostMortems(engine Engine, lines int) *postMortems {
	return &postMortems{engine: engine, lines: lines, done: map[string]bool{}}
}

// write writes it down where that is still to be done. It returns true where that took a call of the engine: then what
// was looked at is old by now, and must be looked at again before anything is removed.
func (p *postMortems) write(
	ctx context.Context, log logr.Logger, c dockerwatch.Observation, oom bool,
) (lookAgain bool) {
	if !p.due(c.ID) {
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
	if p.lines > 0 {
		lines, err := p.engine.Output(ctx, c, p.lines)
		switch {
		case ctx.Err() != nil, errors.Is(err, dockerwatch.ErrNotThere):
			p.forget(c.ID)
			return true
		case err != nil:
			log = log.WithValues("nooutput", err.Error())
		default:
			log = log.WithValues("output", lines)
		}
	}
	log.Info("Container is about to be removed, this is how it ended")
	return p.lines > 0
}

// due reports whether a container's is still to be written, and notes that it is.
func (p *postMortems) due(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done[id] {
		return false
	}
	if len(p.done) >= mostPostMortems {
		clear(p.done) // some are written twice: better than to grow
	}
	p.done[id] = true
	return true
}

// forget takes a note back: the container is gone, or nothing was written.
func (p *postMortems) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.done, id)
}
