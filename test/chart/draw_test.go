package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const figures = `sessions,sweep,floor,seed,memory
100,0.002,0.001,3,30
1000,0.02,0.01,30,40
`

func TestTheFiguresAreDrawn(t *testing.T) {
	t.Parallel()

	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "growth.csv"), []byte(figures), 0o600); err != nil {
		t.Fatal(err)
	}

	if err := run([]string{directory}); err != nil {
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
}

func TestFiguresThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()

	for text, want := range map[string]string{
		"":                                    "holds no figures",
		"sessions,sweep,floor,seed,memory\n":  "holds no figures",
		"sessions,sweep,floor,seed,memory\n1": "wrong number of fields",
		figures + "1,2,3,4,many\n":            "line 4",
	} {
		directory := t.TempDir()
		if err := os.WriteFile(filepath.Join(directory, "growth.csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}

		if err := run([]string{directory}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}

	if err := run(nil); err == nil {
		t.Error("no directory is named, and it is no error")
	}
}
