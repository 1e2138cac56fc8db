// Command chart draws the growth figures of docs/performance. `make growth` runs it.
//
//	chart DIRECTORY
//
// It reads growth.csv in the directory, which test/bench writes, and writes sweep.svg and memory.svg beside it.
package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: chart DIRECTORY, the one with growth.csv in it")
	}

	steps, err := readSteps(filepath.Join(args[0], "growth.csv"))
	if err != nil {
		return err
	}

	return draw(args[0], steps)
}

// step is what one number of sessions takes: one line of growth.csv. Times are in seconds, memory is in MiB.
type step struct{ sessions, sweep, floor, seed, memory float64 }

// readSteps reads growth.csv. Its first line names the columns, in the order of the fields of [step].
func readSteps(path string) ([]step, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the growth figures: %w; make growth measures them", err)
	}
	defer file.Close() //nolint:errcheck // It is only read.

	reader := csv.NewReader(file)
	reader.FieldsPerRecord = 5

	lines, err := reader.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the growth figures: %w", err)
	}

	var steps []step

	for n, line := range lines {
		if n == 0 {
			continue
		}

		var s step

		for i, field := range []*float64{&s.sessions, &s.sweep, &s.floor, &s.seed, &s.memory} {
			if *field, err = strconv.ParseFloat(line[i], 64); err != nil {
				return nil, fmt.Errorf("read line %d of the growth figures %s: %w", n+1, path, err)
			}
		}

		steps = append(steps, s)
	}

	if len(steps) == 0 {
		return nil, fmt.Errorf("%s holds no figures; make growth measures them", path)
	}

	return steps, nil
}
