package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every mutant must still be one: the texts that it changes are there, once each, and the changed code compiles.
//
//nolint:paralleltest // each is a build, which uses all processors itself
func TestMutantsBuild(t *testing.T) {
	t.Chdir("../../..")
	for _, m := range mutants() {
		t.Run(strings.ReplaceAll(m.name, " ", "_"), func(t *testing.T) {
			overlay, err := m.overlay(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			packages := make([]string, 0, len(m.edits))
			for _, e := range m.edits {
				packages = append(packages, "./"+filepath.Dir(e.file))
			}
			build := exec.CommandContext(t.Context(), "go",
				append([]string{"build", "-overlay", overlay, "-o", os.DevNull}, packages...)...)
			if out, err := build.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
