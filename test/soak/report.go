package main

import (
	"fmt"
	"io"
	"time"
)

// report prints what is seen.
type report struct{ w io.Writer }

func (r report) sayf(format string, args ...any) {
	// Whoever reads no longer does not change what is found.
	_, _ = fmt.Fprintf(r.w, format, args...)
}

// columns are the figures of the books in a line of each minute.
var columns = []string{"opened", "crashed", "killed", "ended", "deleted", "leaked", "adopted"}

func (r report) head() {
	r.sayf("%7s %10s %6s %9s %8s", "time", "goroutines", "files", "heap MiB", "RSS MiB")

	for _, column := range columns {
		r.sayf(" %8s", column)
	}

	r.sayf(" %5s %6s %7s\n", "well", "drift", "harmed")
}

// minute is one line. Drift is what disagrees at this moment, most of it within its graces.
func (r report) minute(at time.Duration, p pages, f figures, drift int) {
	r.sayf("%7s %10.0f %6.0f %9.1f %8.1f", at.Round(time.Second), f.goroutines, f.files, f.heap/mebibyte, f.rss/mebibyte)

	for _, column := range columns {
		r.sayf(" %8d", p.counts[column])
	}

	r.sayf(" %5d %6d %7d\n", len(p.well), drift, len(p.harmed))
}

// doneInLine is how many figures of what was done are in a line.
const doneInLine = 6

// summary is the end: each figure against its start, and everything that was done.
func (r report) summary(p pages, samples []figures, longest aged, drift int) {
	r.sayf("\n%-14s %8s %8s %8s\n", "figure", "start", "end", "allowed")

	for _, g := range gauges {
		if t, err := trendOf(samples, g.of); err == nil {
			r.sayf("%-14s %8s %8s %8s\n", g.name, g.text(t.start), g.text(t.end), g.text(g.limit(t.start)))
		}
	}

	r.sayf("%-14s %8s %8d %8d\n", "drift", "", drift, 0)
	r.sayf("%-14s %8s %8d %8d\n\n", "harmed", "", len(p.harmed), 0)

	for i, what := range []string{
		"opened", "renamed", "ended", "closed", "deleted", "crashed", "killed", "torn down", "leaked", "unsaved", "replaced",
		"adopted", "respawned", "revived", "never made", "never started", "too late", "mishaps",
	} {
		end := ","
		if (i+1)%doneInLine == 0 {
			end = "\n"
		}

		r.sayf("%14s %5d%s", what, p.counts[what], end)
	}

	r.sayf("%d samples; the longest disagreement lasted %s: %s\n",
		len(samples), longest.age.Round(time.Second/10), longest.what)

	if p.mishap != nil {
		r.sayf("the last mishap of the session server itself: %v\n", p.mishap)
	}
}
