package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteReplacesTheFileAndKeepsWhatIsNotThereNull(t *testing.T) {
	t.Parallel()

	name := filepath.Join(t.TempDir(), "bench.json")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}

	floor := 0.5
	if err := write(name, []figure{{Name: "a", Value: 1.5, Unit: seconds, Floor: &floor, Runs: 3}}); err != nil {
		t.Fatal(err)
	}

	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}

	var got []map[string]any
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}

	want := map[string]any{"name": "a", "value": 1.5, "unit": "s", "seed": nil, "floor": 0.5, "runs": 3.0}
	if len(got) != 1 || len(got[0]) != len(want) {
		t.Fatalf("%s, want one entry with %v", content, want)
	}

	for key, value := range want {
		if got[0][key] != value {
			t.Errorf("%s is %v, want %v", key, got[0][key], value)
		}
	}
}

func TestQuantity(t *testing.T) {
	t.Parallel()

	cases := map[string]struct {
		value float64
		unit  string
	}{
		"12.3 ms":  {0.01234, seconds},
		"0.003 ms": {0.000003, seconds},
		"1.50 s":   {1.5, seconds},
		"0.80 %":   {0.008, ofACore},
		"48.2 MiB": {48.17, mebibytes},
		"17":       {17, count},
	}
	for want, tc := range cases {
		if got := quantity(tc.value, tc.unit); got != want {
			t.Errorf("%v %s is printed %q, want %q", tc.value, tc.unit, got, want)
		}
	}
}

func TestTableSaysWhichGoalsAreMet(t *testing.T) {
	t.Parallel()

	floor, seed := 0.010, 7.0
	figures := []figure{
		{Name: "no_drift_200", Value: 0.014, Unit: seconds, Floor: &floor, Seed: &seed, Runs: 15},
		{Name: "gone_10k", Value: 3.5, Unit: seconds, Runs: 3},
		{Name: "storm_over", Value: 9, Unit: seconds, Runs: 1},
	}

	var printed strings.Builder
	if err := table(&printed, figures); err != nil {
		t.Fatal(err)
	}

	lines := strings.Split(strings.TrimSpace(printed.String()), "\n")
	for i, want := range [][]string{
		{"figure", "goal"}, {"no_drift_200", "14 ms", "1.40 ×", "500 ×", "met"}, {"gone_10k", "–", "missed"}, {"storm_over"},
	} {
		for _, word := range want {
			if !strings.Contains(lines[i], word) {
				t.Errorf("line %d is %q, want %q in it", i, lines[i], word)
			}
		}
	}

	if strings.Contains(lines[3], "met") || strings.Contains(lines[3], "missed") {
		t.Errorf("%q speaks of a goal where there is none", lines[3])
	}
}
