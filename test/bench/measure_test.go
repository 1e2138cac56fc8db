package main

import (
	"errors"
	"os"
	"slices"
	"testing"
)

func TestQuantile(t *testing.T) {
	t.Parallel()

	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i)
	}

	cases := map[string]struct {
		samples []float64
		q, want float64
	}{
		"none":   {nil, 0.5, 0},
		"one":    {[]float64{7}, 0.99, 7},
		"odd":    {[]float64{3, 1, 2}, 0.5, 2},
		"even":   {[]float64{4, 3, 2, 1}, 0.5, 2},
		"p50":    {hundred, 0.5, 50},
		"p99":    {hundred, 0.99, 99},
		"all":    {hundred, 1, 100},
		"lowest": {hundred, 0, 1},
	}
	for name, tc := range cases {
		if got := quantile(tc.samples, tc.q); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestByTurns(t *testing.T) {
	t.Parallel()

	var order []string

	way := func(name string, results ...float64) func() (float64, error) {
		return func() (float64, error) {
			order = append(order, name)
			result := results[0]
			results = results[1:]

			return result, nil
		}
	}

	got, err := byTurns(3, way("a", 5, 1, 3), way("b", 2, 2, 9))
	if err != nil || !slices.Equal(got, []float64{3, 2}) {
		t.Errorf("medians are %v (%v), want 3 and 2", got, err)
	}

	if want := []string{"a", "b", "a", "b", "a", "b"}; !slices.Equal(order, want) {
		t.Errorf("order is %v, want %v", order, want)
	}

	broken := errors.New("broken")
	if _, err := byTurns(2, func() (float64, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Errorf("error is %v, want the way's own", err)
	}
}

func TestCPUTime(t *testing.T) {
	t.Parallel()

	// The name of a process may hold spaces and parentheses.
	stat := "12 (a) b (c) S 1 12 12 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 100 0 0"

	got, err := cpuTime([]byte(stat))
	if err != nil || got != 3 {
		t.Errorf("CPU time is %v (%v), want 250 + 50 ticks of a hundredth of a second", got, err)
	}

	if _, err := cpuTime([]byte("12 (a) S 1")); err == nil {
		t.Error("a line that ends early is taken for no time at all")
	}

	if own, err := cpuOf(os.Getpid()); err != nil || own < 0 {
		t.Errorf("CPU time of this process is %v (%v)", own, err)
	}

	if peak, err := memoryOf(os.Getpid(), "VmHWM"); err != nil || peak <= 1 {
		t.Errorf("peak memory of this process is %v MiB (%v)", peak, err)
	}
}
