package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDraw(t *testing.T) {
	t.Parallel()

	directory := t.TempDir()
	steps := []step{
		{sessions: 100, sweep: 0.002, floor: 0.001, seed: 3, memory: 30},
		{sessions: 1000, sweep: 0.02, floor: 0.01, seed: 30, memory: 40},
	}

	if err := draw(directory, steps); err != nil {
		t.Fatal(err)
	}

	for file, words := range map[string][]string{
		"sweep.svg": {"seed: one process per row", "floor: one list, one query", "seconds"}, "memory.svg": {"MiB"},
	} {
		content, err := os.ReadFile(filepath.Join(directory, file))
		if err != nil {
			t.Fatal(err)
		}

		for _, word := range append(words, "<svg", "session-controller") {
			if !strings.Contains(string(content), word) {
				t.Errorf("%s does not say %q", file, word)
			}
		}
	}

	page := growthPage(steps, []figure{{Name: "scale_table_size", Value: 12, Unit: mebibytes}})
	for _, words := range []string{
		"| 100 | 2 ms | 1 ms | 3.00 s | 30.0 MiB |", "(sweep.svg)", "(memory.svg)", "| scale_table_size | 12.0 MiB |",
	} {
		if !strings.Contains(page, words) {
			t.Errorf("the page does not say %q:\n%s", words, page)
		}
	}
}
