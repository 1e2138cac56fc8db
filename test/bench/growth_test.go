package main

import (
	"strings"
	"testing"
)

func TestGrowthIsWrittenForPeopleAndForDrawing(t *testing.T) {
	t.Parallel()

	steps := []step{
		{sessions: 100, sweep: 0.002, floor: 0.001, seed: 3, memory: 30},
		{sessions: 1000, sweep: 0.02, floor: 0.01, seed: 30, memory: 40},
	}

	page := growthPage(steps, []figure{{Name: "scale_table_size", Value: 12, Unit: mebibytes}})
	for _, words := range []string{
		"| 100 | 2 ms | 1 ms | 3.00 s | 30.0 MiB |", "(sweep.svg)", "(memory.svg)", "| scale_table_size | 12.0 MiB |",
	} {
		if !strings.Contains(page, words) {
			t.Errorf("the page does not say %q:\n%s", words, page)
		}
	}

	const want = "sessions,sweep,floor,seed,memory\n100,0.002,0.001,3,30\n1000,0.02,0.01,30,40\n"
	if got := growthData(steps); got != want {
		t.Errorf("the data is\n%swant\n%s", got, want)
	}
}
