package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/session-controller/session-controller/test/engine"
)

const (
	// claiming is how many rows claim a container, and how many containers there are, however many rows there are.
	claiming = 1_000
	// memoryRuns is how many processes a peak of memory is the median of.
	memoryRuns = 3
)

// large measures tables with many rows of which few claim something.
func large(ctx context.Context, opts options) (figures []figure, err error) {
	e := engine.New("bench") //nolint:contextcheck // What an engine does later is nobody's request.

	b, stop, err := syntheticBed(ctx, opts, "large", e)
	if err != nil {
		return nil, err
	}
	defer func() { err = orElse(err, stop()) }()

	if err := b.insert(ctx, b.populate(e, claiming)); err != nil {
		return nil, err
	}

	docker, err := b.docker()
	if err != nil {
		return nil, err
	}
	defer docker.Close() //nolint:errcheck // It has been used to the end.

	for _, size := range []struct {
		rows          int
		sweep, memory string
	}{
		{rows: 10_000, memory: "sweep_memory_10k"},
		{rows: 100_000, sweep: "no_drift_100k"},
		{rows: 1_000_000, memory: "sweep_memory_1m"},
	} {
		if err := b.fill(ctx, size.rows); err != nil {
			return nil, err
		}

		if size.sweep != "" {
			f, err := noDrift(ctx, b, docker, size.sweep, claiming)
			if err != nil {
				return nil, err
			}

			figures = append(figures, f)
		}

		if size.memory != "" {
			f, err := b.sweepMemory(ctx, size.memory)
			if err != nil {
				return nil, err
			}

			figures = append(figures, f)
		}
	}

	return figures, nil
}

// fill adds ended sessions that claim nothing until there are so many rows.
func (b *bed) fill(ctx context.Context, rows int) error {
	there, err := b.counted(ctx, "SELECT count(*) FROM sessions")
	if err != nil {
		return err
	}

	if _, err := b.db.ExecContext(ctx, `INSERT INTO sessions (id, status)
		SELECT 'old' || n, 'TERMINATED' FROM generate_series($1::int, $2::int) AS n`, there, rows-1); err != nil {
		return fmt.Errorf("fill the table up to %d rows: %w", rows, err)
	}

	return b.analyze(ctx)
}

// sweepMemory is the most memory that the process has had when its first sweep is complete.
func (b *bed) sweepMemory(ctx context.Context, name string) (figure, error) {
	peaks, err := byTurns(memoryRuns, func() (float64, error) {
		c, err := b.start(ctx, "1h")
		if err != nil {
			return 0, err
		}
		defer c.Kill() // where it was not stopped in order

		peak, err := memoryOf(c.PID(), "VmHWM")

		return peak, errors.Join(err, c.Stop())
	})
	if err != nil {
		return figure{}, err
	}

	return figure{Name: name, Value: peaks[0], Unit: mebibytes, Runs: memoryRuns}, nil
}
