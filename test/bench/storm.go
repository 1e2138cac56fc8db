package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lib/pq"
	"golang.org/x/sync/errgroup"

	"github.com/session-controller/session-controller/test/engine"
)

const (
	// storming containers die within stormTime, while ending sessions are ended one by one.
	storming  = 5_000
	stormTime = time.Second
	ending    = 100
	// endingEvery is how far apart they are ended: all of them while the storm is being worked off.
	endingEvery = 20 * time.Millisecond
	// lookEvery is how exactly it is seen when a session has been released, and a load of one small query each time.
	lookEvery = 10 * time.Millisecond
	// stormTimeout is how long everything may take to converge before the run is given up.
	stormTimeout = 2 * time.Minute
)

// storm measures how long it takes until a session that is ended while 5,000 containers die has no container and
// claims nothing, and what the storm costs in memory and connections.
func storm(ctx context.Context, opts options) (figures []figure, err error) {
	e := engine.New("bench") //nolint:contextcheck // What an engine does later is nobody's request.

	b, stop, err := syntheticBed(ctx, opts, "storm", e)
	if err != nil {
		return nil, err
	}
	defer func() { err = orElse(err, stop()) }()

	all := b.populate(e, storming+ending)
	if err := b.insert(ctx, all); err != nil {
		return nil, err
	}

	if err := b.analyze(ctx); err != nil {
		return nil, err
	}

	c, err := b.start(ctx, "1h")
	if err != nil {
		return nil, err
	}
	defer c.Kill() // where it was not stopped in order

	ctx, cancel := context.WithTimeout(ctx, stormTimeout)
	defer cancel()

	var (
		took        []float64
		connections int
	)

	group, groupCtx := errgroup.WithContext(ctx)
	began := time.Now()

	group.Go(func() error { return breakOut(e, all[:storming]) })
	group.Go(func() (err error) {
		took, err = b.endOneByOne(groupCtx, all[storming:])

		return err
	})

	group.Go(func() (err error) {
		connections, err = b.settled(groupCtx)

		return err
	})

	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("in the storm: %w; see %s", err, c.Log())
	}

	over := time.Since(began).Seconds()

	peak, err := memoryOf(c.PID(), "VmHWM")

	return []figure{
		{Name: "storm_p50", Value: median(took), Unit: seconds, Runs: len(took)},
		{Name: "storm_p99", Value: quantile(took, 0.99), Unit: seconds, Runs: len(took)},
		{Name: "storm_over", Value: over, Unit: seconds, Runs: 1},
		{Name: "storm_memory", Value: peak, Unit: mebibytes, Runs: 1},
		{Name: "storm_connections", Value: float64(connections), Unit: count, Runs: 1},
	}, errors.Join(err, c.Stop())
}

// breakOut lets the containers die, evenly over the time of the storm.
func breakOut(e *engine.Engine, sessions []session) error {
	const parts = 100

	ticks := time.NewTicker(stormTime / parts)
	defer ticks.Stop()

	size := len(sessions) / parts

	for part := range parts {
		for _, s := range sessions[part*size : (part+1)*size] {
			if err := e.Exit(s.claim, 1); err != nil {
				return fmt.Errorf("let container %s die: %w", s.claim, err)
			}
		}

		<-ticks.C
	}

	return nil
}

// endOneByOne ends healthy sessions and measures how long each of them keeps its claim.
func (b *bed) endOneByOne(ctx context.Context, sessions []session) ([]float64, error) {
	var (
		mu    sync.Mutex
		ended = map[string]time.Time{}
		took  []float64
	)

	group, ctx := errgroup.WithContext(ctx)

	group.Go(func() error {
		for _, s := range sessions {
			mu.Lock()
			ended[s.id] = time.Now()
			mu.Unlock()

			if _, err := b.db.ExecContext(ctx, "UPDATE sessions SET status = 'TERMINATED' WHERE id = $1", s.id); err != nil {
				return fmt.Errorf("end session %s: %w", s.id, err)
			}

			if err := wait(ctx, endingEvery); err != nil {
				return err
			}
		}

		return nil
	})
	group.Go(func() error {
		for len(took) < len(sessions) {
			released, err := b.released(ctx, sessions)
			if err != nil {
				return err
			}

			mu.Lock()
			for _, id := range released {
				if since, open := ended[id]; open {
					took = append(took, time.Since(since).Seconds())
					delete(ended, id)
				}
			}
			mu.Unlock()

			if err := wait(ctx, lookEvery); err != nil {
				return err
			}
		}

		return nil
	})

	err := group.Wait()

	return took, err
}

// released returns which of the sessions claim nothing any more, which comes after their container is gone.
func (b *bed) released(ctx context.Context, sessions []session) (ids []string, err error) {
	err = b.db.QueryRowContext(ctx,
		"SELECT coalesce(array_agg(id), '{}') FROM sessions WHERE id = ANY($1) AND container_id IS NULL",
		pq.Array(idsOf(sessions))).Scan(pq.Array(&ids))
	if err != nil {
		return nil, fmt.Errorf("look which sessions are released: %w", err)
	}

	return ids, nil
}

// settled waits until no session claims anything, and returns the most connections that the controller had to the
// database at one time meanwhile.
func (b *bed) settled(ctx context.Context) (most int, err error) {
	for {
		now, err := b.counted(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name LIKE 'session-controller%'`)
		if err != nil {
			return 0, err
		}

		most = max(most, now)

		left, err := b.counted(ctx, "SELECT count(*) FROM sessions WHERE container_id IS NOT NULL")
		if err != nil || left == 0 {
			return most, err
		}

		if err := wait(ctx, between); err != nil {
			return most, fmt.Errorf("%d sessions still claim a container: %w", left, err)
		}
	}
}
