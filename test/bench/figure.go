package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// The units of figures.
const (
	seconds   = "s"
	mebibytes = "MiB"
	ofACore   = "core"
	count     = "1"
)

// figure is one line of the table and one entry of bench.json.
type figure struct {
	Name string `json:"name"`
	// Value is the controller's, a median where there was more than one run.
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Seed and Floor are the same work done the seed's way and by the least that it takes; nil where there is no such way.
	Seed  *float64 `json:"seed"`
	Floor *float64 `json:"floor"`
	// Runs is how many runs the value is the median of; for a percentile how many samples there were.
	Runs int `json:"runs"`
}

// write puts the figures into a file. What was there stays until all of it is written.
func write(name string, figures []figure) error {
	text, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the figures: %w", err)
	}

	if err := os.WriteFile(name+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the figures: %w; name another file with -out", err)
	}

	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write the figures: %w; name another file with -out", err)
	}

	return nil
}

// table prints the figures for people.
func table(w io.Writer, figures []figure) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(t, "figure\tvalue\tfloor\tof floor\tseed\tseed is\truns\tgoal\t\t") //nolint:dupword // two columns

	for _, f := range figures {
		goal, met := "", ""
		if g, ok := goalOf(f.Name); ok {
			goal, met = g.String(), "met"
			if !g.met(f, figures) {
				met = "missed"
			}
		}

		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t\n", f.Name, quantity(f.Value, f.Unit),
			optional(f.Floor, f.Unit), times(f.Floor, f.Value, true), optional(f.Seed, f.Unit),
			times(f.Seed, f.Value, false), f.Runs, goal, met)
	}

	return t.Flush()
}

// quantity prints a figure so that it can be read: three digits that count, or so.
func quantity(value float64, unit string) string {
	const thousandths = 1e3

	switch {
	case unit == seconds && value < 1:
		return fmt.Sprintf("%.3g ms", value*thousandths)
	case unit == seconds:
		return fmt.Sprintf("%.2f s", value)
	case unit == ofACore:
		return fmt.Sprintf("%.2f %%", value*100)
	case unit == count:
		return fmt.Sprintf("%.0f", value)
	}

	return fmt.Sprintf("%.1f %s", value, unit)
}

func optional(value *float64, unit string) string {
	if value == nil {
		return "–"
	}

	return quantity(*value, unit)
}

// times prints how many times the one is the other.
func times(other *float64, value float64, ofOther bool) string {
	switch {
	case other == nil || *other == 0 || value == 0:
		return "–"
	case ofOther:
		return fmt.Sprintf("%.2f ×", value / *other)
	}

	return fmt.Sprintf("%.0f ×", *other/value)
}
