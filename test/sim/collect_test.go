package sim

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// collected is in how many committed worlds each thing comes about at least, where it comes about often enough.
const collected = 12

// collect adds a drawn world to the file that SIM_COLLECT names, if it has something in it that is in few of the worlds
// collected so far: what a controller does, a kind of step, a switch of the setup, or a rule that the server breaks.
func (all *total) collect(t *testing.T, s setup, p played) {
	t.Helper()
	path := os.Getenv("SIM_COLLECT")
	if path == "" {
		return
	}
	if all.collected == nil {
		all.collected = map[string]int{}
	}
	features := map[string]bool{"breaks " + s.breaks: true, fmt.Sprint("engines ", s.engines): true,
		fmt.Sprint("replicas ", s.replicas): true}
	for what := range p.done {
		features["done "+what] = true
	}
	for name, on := range switches(&s) {
		features["switch "+name] = *on
	}
	for _, step := range s.steps {
		features["step "+step.kind] = true
	}
	adds := false
	for feature, has := range features {
		adds = adds || has && all.collected[feature] < collected
	}
	if !adds {
		return
	}
	for feature, has := range features {
		if has {
			all.collected[feature]++
		}
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintln(file, s.line())
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}
