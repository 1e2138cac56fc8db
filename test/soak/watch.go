package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/session-controller/session-controller/test/rig"
)

const (
	// lookInterval is short against the graces, and long against what a look costs the engine.
	lookInterval = 2 * time.Second
	// lookTimeout bounds one look.
	lookTimeout = 30 * time.Second
	// blindLooks is how many looks may fail in a row before the run has lost its meaning.
	blindLooks = 10
)

// watcher looks at the rows, the containers and the controller's process again and again.
type watcher struct {
	server     *server
	controller *rig.Controller
	// since is when each disagreement that there is was first seen; longest is the oldest that there ever was.
	since   map[string]time.Time
	longest aged
	samples []figures
}

// aged is a disagreement and how long it lasted, or has lasted so far.
type aged struct {
	what string
	age  time.Duration
}

func newWatcher(s *server, c *rig.Controller) *watcher {
	return &watcher{server: s, controller: c, since: map[string]time.Time{}}
}

// look sees what there is, holds it against the books, and returns what disagrees.
func (w *watcher) look(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()

	before := w.server.books.copied()

	boxes, err := w.server.engine.own(ctx)
	if err != nil {
		return nil, err
	}

	rows, err := w.server.db.all(ctx)
	if err != nil {
		return nil, err
	}

	seen := sight{rows: rows, boxes: boxes}
	w.server.books.compare(before, seen)

	drift := seen.drift()
	w.remember(drift, time.Now())

	return drift, w.server.db.purge(ctx)
}

// remember keeps how long each disagreement has been there.
func (w *watcher) remember(drift []string, now time.Time) {
	maps.DeleteFunc(w.since, func(what string, _ time.Time) bool { return !slices.Contains(drift, what) })

	for _, what := range drift {
		if _, known := w.since[what]; !known {
			w.since[what] = now
		}

		if age := now.Sub(w.since[what]); age > w.longest.age {
			w.longest = aged{what: what, age: age}
		}
	}
}

// watch looks and measures until ctx ends, and prints a line each minute. Samples of the warm-up are not kept: until
// then pools and caches fill. It returns an error when it could not see for too long.
func (w *watcher) watch(ctx context.Context, warmUp time.Duration, r *report) error {
	began := time.Now()
	next := began.Add(time.Minute)
	blind := 0

	for pause(ctx, lookInterval) {
		drift, err := w.look(ctx)

		var sample figures
		if err == nil {
			sample, err = measure(ctx, w.controller)
		}

		if err != nil {
			if blind++; blind >= blindLooks {
				return fmt.Errorf("the last %d looks at rows, containers and the controller failed: %w", blind, err)
			}

			continue
		}

		blind = 0

		if time.Since(began) > warmUp {
			w.samples = append(w.samples, sample)
		}

		if now := time.Now(); now.After(next) {
			next = next.Add(time.Minute)
			r.minute(now.Sub(began), w.server.books.copied(), sample, len(drift))
		}
	}

	return nil
}

// settle looks until nothing disagrees any more and every session that waits for its container has it. It returns what
// is left when the time is over.
func (w *watcher) settle(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()

	var left []string

	for {
		select {
		case <-w.controller.Ended(): // nothing converges any more; to stop it will say how it ended
			return left, nil
		default:
		}

		drift, err := w.look(ctx)
		if err == nil {
			left = drift
		}

		if err == nil && len(drift) == 0 && len(w.server.books.copied().waiting) == 0 {
			return nil, nil
		}

		if !pause(ctx, lookInterval/2) {
			if len(left) == 0 {
				return nil, fmt.Errorf("look at rows and containers at the end: %w", err)
			}

			return left, nil
		}
	}
}
