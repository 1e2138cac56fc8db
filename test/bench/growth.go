package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"text/tabwriter"

	"github.com/docker/docker/client"

	"github.com/session-controller/session-controller/test/engine"
)

// growthSweeps is how many sweeps each size is measured over, and growthSeed how many rows the seed is measured on: its
// time is that of one row times the rows.
const (
	growthSweeps = 5
	growthSeed   = 50
)

// step is what one size takes. Every session has a running container.
type step struct {
	sessions int
	// sweep, floor and seed are in seconds, memory is the peak in MiB, and calls and queries are those of one sweep.
	sweep, floor, seed, memory, calls, queries float64
}

// growth measures sweeps over more and more sessions and writes the page, and the data that test/chart draws.
func growth(ctx context.Context, opts options, stdout, stderr io.Writer) error {
	var steps []step

	for _, sessions := range []int{100, 1_000, 10_000, 100_000} {
		s, err := growthStep(ctx, opts, sessions)
		if err != nil {
			return fmt.Errorf("measure %d sessions: %w", sessions, err)
		}

		steps = append(steps, s)
		_, _ = fmt.Fprintf(stderr, "%d sessions: measured\n", sessions)
	}

	if err := os.MkdirAll(opts.growth, 0o750); err != nil {
		return fmt.Errorf("make the directory for the growth figures: %w", err)
	}

	const mode = 0o644 // as all documentation

	data := filepath.Join(opts.growth, "growth.csv")
	if err := os.WriteFile(data, []byte(growthData(steps)), mode); err != nil {
		return fmt.Errorf("write the growth figures: %w", err)
	}

	parts, err := scale(ctx, opts)
	if err != nil {
		return fmt.Errorf("measure the parts of a fleet: %w", err)
	}

	page := filepath.Join(opts.growth, "growth.md")
	if err := os.WriteFile(page, []byte(growthPage(steps, parts)), mode); err != nil {
		return fmt.Errorf("write the growth figures: %w", err)
	}

	if err := growthTable(stdout, steps); err != nil {
		return err
	}

	return table(stdout, parts)
}

func growthStep(ctx context.Context, opts options, sessions int) (s step, err error) {
	e := engine.New("bench") //nolint:contextcheck // What an engine does later is nobody's request.

	b, stop, err := syntheticBed(ctx, opts, fmt.Sprintf("growth-%d", sessions), e)
	if err != nil {
		return step{}, err
	}
	defer func() { err = orElse(err, stop()) }()

	all := b.populate(e, sessions)
	if err := b.insert(ctx, all); err != nil {
		return step{}, err
	}

	if err := b.analyze(ctx); err != nil {
		return step{}, err
	}

	docker, err := b.docker()
	if err != nil {
		return step{}, err
	}
	defer docker.Close() //nolint:errcheck // It has been used to the end.

	s = step{sessions: sessions}

	// What one sweep costs is the difference between a run with one and a run with more.
	one, err := b.watched(ctx, e, docker, 0)
	if err != nil {
		return step{}, err
	}

	more, err := b.watched(ctx, e, docker, growthSweeps)
	if err != nil {
		return step{}, err
	}

	lists := more.lists - one.lists
	s.calls, s.queries = (more.calls-one.calls)/lists, (more.queries-one.queries)/lists
	s.sweep, s.floor, s.memory = more.sweep, more.floor, more.memory

	s.seed, err = timed(func() error {
		_, err := seed{b}.sweep(ctx, all[:growthSeed])

		return err
	})
	s.seed *= float64(sessions) / growthSeed

	return s, err
}

// life is what one life of a controller took.
type life struct{ sweep, floor, memory, calls, lists, queries float64 }

// watched runs the controller for its first sweep and so many more.
func (b *bed) watched(ctx context.Context, e *engine.Engine, docker *client.Client, more int) (l life, err error) {
	var calls, lists, own atomic.Int64

	e.Watch(func(c engine.Call) {
		switch {
		case c.Done || c.Op == engine.OpEvents || c.Op == engine.OpPing:
			return
		case c.Op == engine.OpList:
			lists.Add(1)
		}

		calls.Add(1)
	})
	defer e.Watch(nil)

	queries, err := b.transactions(ctx)
	if err != nil {
		return life{}, err
	}

	c, err := b.start(ctx, "1s")
	if err != nil {
		return life{}, err
	}
	defer c.Kill() // where it was not stopped in order

	medians, err := byTurns(more,
		func() (float64, error) { return nextSweep(ctx, c) },
		func() (float64, error) {
			own.Add(1)

			return timed(func() error {
				_, err := b.look(ctx, docker)

				return err
			})
		})
	if err != nil {
		return life{}, err
	}

	l = life{sweep: medians[0], floor: medians[1]}

	l.memory, err = memoryOf(c.PID(), "VmHWM")
	if err := errors.Join(err, c.Stop()); err != nil {
		return life{}, err
	}

	after, err := b.transactions(ctx)
	l.queries = after - queries - float64(own.Load())
	l.calls, l.lists = float64(calls.Load()-own.Load()), float64(lists.Load()-own.Load())

	return l, err
}

// transactions is how many the database has seen, this one not among them: every query of the controller is one. A
// server process tells of its own when it ends, or has nothing to do for a second.
func (b *bed) transactions(ctx context.Context) (float64, error) {
	b.db.SetMaxIdleConns(0) // what this process itself has asked must have been told, too
	defer b.db.SetMaxIdleConns(1)

	n, err := b.counted(ctx, `SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`)

	return float64(n), err
}

func growthTable(w io.Writer, steps []step) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "sessions\tsweep\tfloor\tseed\tpeak memory\tcalls per sweep\tqueries per sweep\t")

	for _, s := range steps {
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%.1f\t%.1f\t\n", s.sessions, quantity(s.sweep, seconds),
			quantity(s.floor, seconds), quantity(s.seed, seconds), quantity(s.memory, mebibytes), s.calls, s.queries)
	}

	return t.Flush()
}

// growthData is what test/chart draws: comma-separated, times in seconds, memory in MiB.
func growthData(steps []step) string {
	var data strings.Builder

	data.WriteString("sessions,sweep,floor,seed,memory\n")

	for _, s := range steps {
		_, _ = fmt.Fprintf(&data, "%d,%g,%g,%g,%g\n", s.sessions, s.sweep, s.floor, s.seed, s.memory)
	}

	return data.String()
}

// growthPage is the same table as a page.
func growthPage(steps []step, parts []figure) string {
	var page strings.Builder

	page.WriteString(`# Growth

Written by ` + "`make growth`" + `. Every session has a running container, on the test engine; the database is a real
PostgreSQL. A sweep finds nothing adrift. The floor is one list and one query that are read to the end; the seed is one
` + "`docker inspect`" + ` process per row, measured on ` + strconv.Itoa(growthSeed) + ` rows and multiplied.

![Time of a sweep over the number of sessions](sweep.svg)

![Peak memory over the number of sessions](memory.svg)

| sessions | sweep | floor | seed | peak memory | engine calls per sweep | queries per sweep |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`)

	for _, s := range steps {
		_, _ = fmt.Fprintf(&page, "| %d | %s | %s | %s | %s | %.1f | %.1f |\n", s.sessions, quantity(s.sweep, seconds),
			quantity(s.floor, seconds), quantity(s.seed, seconds), quantity(s.memory, mebibytes), s.calls, s.queries)
	}

	page.WriteString(`
## Parts of a fleet

One table with ` + quantity(scaleRows, count) + ` sessions on ` + quantity(scaleNodes, count) + ` nodes, all of
them live with a claim.

| part | figure |
| --- | ---: |
`)

	for _, f := range parts {
		_, _ = fmt.Fprintf(&page, "| %s | %s |\n", f.Name, quantity(f.Value, f.Unit))
	}

	return page.String()
}
