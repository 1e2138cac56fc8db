package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// group is a number of figures that are measured on the same rows and containers.
type group struct {
	name    string
	measure func(ctx context.Context, opts options) ([]figure, error)
}

func groups() []group {
	return []group{{"real", real200}, {"gone", gone}, {"large", large}, {"idle", idle}, {"storm", storm}}
}

func groupNames() []string {
	all := groups()
	names := make([]string, 0, len(all))

	for _, g := range all {
		names = append(names, g.name)
	}

	return names
}

func known(name string) bool {
	for _, g := range groups() {
		if g.name == name {
			return true
		}
	}

	return false
}

// bench measures the groups one after another: each has the machine to itself.
func bench(ctx context.Context, opts options, stdout, stderr io.Writer) error {
	var figures []figure

	for _, g := range groups() {
		if opts.only != "" && opts.only != g.name {
			continue
		}

		began := time.Now()

		found, err := g.measure(ctx, opts)
		if err != nil {
			return fmt.Errorf("measure %s: %w", g.name, err)
		}

		figures = append(figures, found...)
		_, _ = fmt.Fprintf(stderr, "%s: measured in %s\n", g.name, time.Since(began).Round(time.Second))
	}

	if err := write(opts.out, figures); err != nil {
		return err
	}

	return table(stdout, figures)
}

// real200 measures what real containers can show.
func real200(ctx context.Context, opts options) (figures []figure, err error) {
	engine, host, err := openEngine()
	if err != nil {
		return nil, err
	}

	b, err := newBed(ctx, opts, "real", host)
	if err != nil {
		return nil, err
	}
	defer func() { err = orElse(err, b.close(ctx)) }()
	defer func() { err = orElse(err, engine.clear(ctx, b.installation)) }()

	all, err := engine.run(ctx, many, b.installation)
	if err != nil {
		return nil, err
	}

	if err := b.insert(ctx, all); err != nil {
		return nil, err
	}

	if err := b.analyze(ctx); err != nil {
		return nil, err
	}

	sweep, err := noDrift(ctx, b, engine.Client, "no_drift_200", many)
	if err != nil {
		return nil, err
	}

	seeds, err := timed(func() error {
		_, err := seed{b}.sweep(ctx, all)

		return err
	})
	if err != nil {
		return nil, err
	}

	sweep.Seed = &seeds

	took, floor, err := deaths(ctx, b, engine, all)
	if err != nil {
		return nil, err
	}

	if err := b.truncate(ctx); err != nil {
		return nil, err
	}

	figures, err = exited(ctx, b, engine)

	return append([]figure{sweep, deathFigure("death_to_error_p50", took, floor, 0.5),
		deathFigure("death_to_error_p99", took, floor, 0.99)}, figures...), err
}
