package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/lib/pq"
)

const (
	// commitTimeout is what one death may take at the most before the run is given up.
	commitTimeout = 30 * time.Second
	// between two deaths the container is removed, so that each is alone.
	between = 50 * time.Millisecond
)

// deathFigure is a quantile of deaths beside that of the floor.
func deathFigure(name string, took, floor []float64, q float64) figure {
	least := quantile(floor, q)

	return figure{Name: name, Value: quantile(took, q), Unit: seconds, Floor: &least, Runs: len(took)}
}

// coroner is what follows the deaths of containers and what the database tells of them.
type coroner struct {
	*bed

	engine  *realEngine
	died    <-chan events.Message
	failed  <-chan error
	commits *pq.Listener
}

// deaths lets processes end by themselves, one after another, and measures from the engine's own time of each end to
// the moment at which the database tells of the commit: first the floor, then the controller, on half of the sessions
// each.
func deaths(ctx context.Context, b *bed, engine *realEngine, sessions []session) (took, floor []float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	commits, err := b.listen()
	if err != nil {
		return nil, nil, err
	}
	defer commits.Close() //nolint:errcheck // Nothing is expected of it any more.

	o := coroner{bed: b, engine: engine, commits: commits}
	o.died, o.failed = engine.Events(ctx, events.ListOptions{
		Filters: filters.NewArgs(filters.Arg("type", "container"), filters.Arg("event", "die")),
	})

	half := len(sessions) / 2

	floor, err = o.all(ctx, sessions[:half], o.certify)
	if err != nil {
		return nil, nil, err
	}

	c, err := b.start(ctx, "1h")
	if err != nil {
		return nil, nil, err
	}
	defer c.Kill() // where it was not stopped in order

	took, err = o.all(ctx, sessions[half:], func(context.Context, string) error { return nil })
	if err != nil {
		return nil, nil, fmt.Errorf("%w; see %s", err, c.Log())
	}

	return took, floor, errors.Join(b.nothingLeft(ctx, engine), c.Stop())
}

// all lets containers die, one after another. heard is called for each when the engine has told of it.
func (o coroner) all(
	ctx context.Context, sessions []session, heard func(ctx context.Context, id string) error,
) ([]float64, error) {
	samples := make([]float64, 0, len(sessions))

	for _, s := range sessions {
		took, err := o.one(ctx, s.claim, heard)
		if err == nil {
			err = wait(ctx, between)
		}

		if err != nil {
			return nil, fmt.Errorf("the end of container %s: %w", s.claim, err)
		}

		samples = append(samples, took)
	}

	return samples, nil
}

func (o coroner) one(
	ctx context.Context, id string, heard func(ctx context.Context, id string) error,
) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()

	pid, err := o.engine.pid(ctx, id)
	if err != nil {
		return 0, err
	}

	if err := exit(pid); err != nil {
		return 0, err
	}

	var end, commit time.Time

	for end.IsZero() || commit.IsZero() {
		select {
		case e := <-o.died:
			if e.Actor.ID != id {
				continue
			}

			end = time.Unix(0, e.TimeNano)
			if err := heard(ctx, id); err != nil {
				return 0, err
			}
		case n := <-o.commits.Notify:
			if n == nil { // the connection was lost and made again
				return 0, errors.New("the database's notifications were interrupted")
			}

			commit = time.Now()
		case err := <-o.failed:
			return 0, fmt.Errorf("read the engine's events: %w", err)
		case <-ctx.Done():
			return 0, fmt.Errorf("wait until the session is failed: %w", ctx.Err())
		}
	}

	return commit.Sub(end).Seconds(), nil
}

// certify is the floor: an event alone is no proof, so one inspect, and one update that tells of itself.
func (o coroner) certify(ctx context.Context, id string) error {
	seen, err := o.engine.ContainerInspect(ctx, id)
	if err != nil {
		return fmt.Errorf("inspect it: %w", err)
	}

	if seen.State.Running {
		return errors.New("the engine told of its end and shows it running")
	}

	_, err = o.db.ExecContext(ctx, `WITH failed AS (UPDATE sessions SET status = 'ERROR'
		WHERE container_id = $1 AND status = 'ACTIVE' RETURNING id) SELECT pg_notify($2, id) FROM failed`,
		id, failedChannel)
	if err != nil {
		return fmt.Errorf("fail its session: %w", err)
	}

	return nil
}

// listen follows the channel on which the database tells of failed sessions.
func (b *bed) listen() (*pq.Listener, error) {
	l := pq.NewListener(b.db.URL, time.Second, time.Second, nil)
	if err := l.Listen(failedChannel); err != nil {
		return nil, errors.Join(fmt.Errorf("listen to the database's channel %s: %w", failedChannel, err), l.Close())
	}

	return l, nil
}

// nothingLeft waits until no container of the bed is left.
func (b *bed) nothingLeft(ctx context.Context, engine *realEngine) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()

	for {
		ids, err := engine.own(ctx, b.installation)
		if err != nil {
			return err
		}

		if len(ids) == 0 {
			return nil
		}

		if wait(ctx, between) != nil {
			return fmt.Errorf("%d containers of failed sessions are still there", len(ids))
		}
	}
}
