package main

import (
	"errors"
	"fmt"
	"slices"
)

// figures are what one look at the controller's process measured.
type figures struct {
	goroutines, files, heap, rss float64
}

const mebibyte = 1 << 20

// gauge is a figure that must not grow, with what counts as growth: more than factor times its start and plus.
type gauge struct {
	name   string
	of     func(figures) float64
	unit   float64
	digits int
	factor float64
	plus   float64
	// cause is where to look when it has grown.
	cause string
}

// gauges: what grows with sessions grows by hundreds in a run, so the tolerances only have to cover what is not growth.
var gauges = []gauge{
	{
		// Workers look, stop and hold connections in parallel (two goroutines each), more at one moment than at another.
		name: "goroutines", of: func(f figures) float64 { return f.goroutines }, unit: 1, factor: 1, plus: 10,
		cause: "look for what is started for a session, a container or a call and never ends",
	},
	{
		// Connections to the engine and the database come and go with the same work.
		name: "open files", of: func(f figures) float64 { return f.files }, unit: 1, factor: 1, plus: 10,
		cause: "look for a connection or a body that is not closed",
	},
	{
		// What the last garbage collection found alive. Answers that are being read are part of it: a list of twenty
		// containers is some hundred KiB, and each worker may hold one.
		name: "live heap MiB", of: func(f figures) float64 { return f.heap }, unit: mebibyte, digits: 1,
		factor: 1.25, plus: 4 * mebibyte,
		cause: "look for what is remembered of a session or a container and never forgotten",
	},
	{
		// The runtime lets the heap double between two collections, and gives memory back late: only more than that means
		// something.
		name: "RSS MiB", of: func(f figures) float64 { return f.rss }, unit: mebibyte, digits: 1,
		factor: 1.5, plus: 16 * mebibyte,
		cause: "look at the heap first, then at what does not belong to it",
	},
}

func (g gauge) limit(start float64) float64 { return start*g.factor + g.plus }

// text is a value as it is printed.
func (g gauge) text(value float64) string { return fmt.Sprintf("%.*f", g.digits, value/g.unit) }

// trend compares the end of a run with its start: the medians of the last and the first fifth of the samples. A median
// is not moved by the moment in which a dozen stops were under way.
type trend struct{ start, end float64 }

// parts is how many parts a run has of which the first and the last are compared.
const parts = 5

var errTooFewSamples = errors.New("there are too few samples to tell growth: give a longer duration")

func trendOf(samples []figures, of func(figures) float64) (trend, error) {
	size := len(samples) / parts
	if size == 0 {
		return trend{}, errTooFewSamples
	}

	values := make([]float64, 0, len(samples))
	for _, sample := range samples {
		values = append(values, of(sample))
	}

	return trend{start: median(values[:size]), end: median(values[len(values)-size:])}, nil
}

// median of at least one value.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2

	if len(sorted)%2 == 1 {
		return sorted[middle]
	}

	return (sorted[middle-1] + sorted[middle]) / 2
}

// judge returns one sentence when the figure has grown, else nil.
func (g gauge) judge(t trend) error {
	if t.end <= g.limit(t.start) {
		return nil
	}

	return fmt.Errorf("%s of the controller grew from %s to %s (medians of the first and the last fifth of the run after "+
		"the warm-up), and %s is allowed: %s", g.name, g.text(t.start), g.text(t.end), g.text(g.limit(t.start)), g.cause)
}
