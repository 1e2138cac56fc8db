package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// outputMute is how long no output is asked for after a call for it has hung: a log driver that does not answer must
// not hold a worker for every container that is removed.
const outputMute = time.Minute

// maxPostMortems bounds what is remembered of containers whose removal is tried again and again.
const maxPostMortems = 10_000

// postMortems writes down how a container ended before it is removed: afterwards it is too late. Once for each end of
// a container, however often its removal must be tried. It is safe for concurrent use.
type postMortems struct {
	engine Engine
	// lines of its output are written down, too; 0: none, because output can hold secrets.
	lines int

	mu    sync.Mutex
	known map[string]postMortem // by a container's full id
	// mute is until when no output is asked for, after a call for it has hung.
	mute time.Time
}

// postMortem is that of one end of a container.
type postMortem struct {
	finished time.Time
	written  bool // false: it is being written
}

func newPostMortems(engine Engine, lines int) *postMortems {
	return &postMortems{engine: engine, lines: lines, known: map[string]postMortem{}}
}

// write writes it down where that is still to be done, and returns nil where the container may be removed now. A
// conflict says that it took a call of the engine: what was looked at is old by now, and must be looked at again first.
// An ErrBusy says that another session's pass is writing it: the container must not be removed before.
func (p *postMortems) write(ctx context.Context, log logr.Logger, c dockerwatch.Observation, oom bool) error {
	due, asks, err := p.due(c)
	if err != nil || !due {
		return err
	}
	defer p.notWritten(c.ID) // whatever ends this early: else every later removal would wait for it
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
	switch {
	case asks:
		lines, err := p.engine.Output(ctx, c, p.lines)
		switch {
		case ctx.Err() != nil, errors.Is(err, dockerwatch.ErrNotThere):
			return evidence.Conflict(verdict.KindContainer, c.ID)
		case err != nil:
			p.hung(err)
			log = log.WithValues("nooutput", err.Error())
		default:
			log = log.WithValues("output", lines)
		}
	case p.lines > 0:
		log = log.WithValues("nooutput", "not asked for: a call for output of another container has just hung")
	}
	log.Info("Removing container, this is how it ended")
	p.mu.Lock()
	p.known[c.ID] = postMortem{finished: c.FinishedAt, written: true}
	p.mu.Unlock()
	if asks {
		return evidence.Conflict(verdict.KindContainer, c.ID)
	}
	return nil
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

// due reports whether a container's is still to be written, and notes that it is being written; asks says that its
// output belongs to it.
func (p *postMortems) due(c dockerwatch.Observation) (due, asks bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.known[c.ID]
	switch {
	case ok && !known.written:
		return false, false, fmt.Errorf("what container %s left is being written down: %w", c.ID, ErrBusy)
	case ok && known.finished.Equal(c.FinishedAt): // else it ran once more, and ended in another way
		return false, false, nil
	}
	if len(p.known) >= maxPostMortems { // some are written twice: better than to grow
		maps.DeleteFunc(p.known, func(_ string, m postMortem) bool { return m.written })
	}
	p.known[c.ID] = postMortem{finished: c.FinishedAt}
	return true, p.lines > 0 && time.Now().After(p.mute), nil
}

// notWritten takes a note back where nothing was written.
func (p *postMortems) notWritten(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.known[id].written {
		delete(p.known, id)
	}
}

// forget takes a note back: the container is gone.
func (p *postMortems) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, id)
}
