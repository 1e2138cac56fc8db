package main

import "testing"

func TestGoals(t *testing.T) {
	t.Parallel()

	value := func(v float64) *float64 { return &v }
	other := figure{Name: "sweep_memory_10k", Value: 40}
	cases := map[string]struct {
		reason string
		figure figure
		want   bool
	}{
		"all bounds":     {"", figure{Name: "no_drift_200", Value: 0.015, Floor: value(0.01), Seed: value(1.5)}, true},
		"floor":          {"1.6 ×", figure{Name: "no_drift_200", Value: 0.016, Floor: value(0.01), Seed: value(9)}, false},
		"seed":           {"1/90", figure{Name: "no_drift_200", Value: 0.01, Floor: value(0.01), Seed: value(0.9)}, false},
		"not measured":   {"a ratio to nothing is none", figure{Name: "no_drift_200", Value: 0.01}, false},
		"most":           {"the floor allows it", figure{Name: "no_drift_100k", Value: 0.4, Floor: value(0.3)}, false},
		"within another": {"", figure{Name: "sweep_memory_1m", Value: 56}, true},
		"above another":  {"17 MiB more", figure{Name: "sweep_memory_1m", Value: 57}, false},
	}

	for name, tc := range cases {
		g, ok := goalOf(tc.figure.Name)
		if !ok {
			t.Fatalf("%s has no goal", tc.figure.Name)
		}

		if got := g.met(tc.figure, []figure{other, tc.figure}); got != tc.want {
			t.Errorf("%s: met is %v, want %v: %s", name, got, tc.want, tc.reason)
		}
	}

	alone := figure{Name: "sweep_memory_1m", Value: 1}
	if g, _ := goalOf(alone.Name); g.met(alone, []figure{alone}) {
		t.Error("a goal beside a figure that was not measured counts as met")
	}
}
