package main

import (
	"os"
	"os/exec"
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
			build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", os.DevNull,
				"./controllers", "./pkg/...")
			if out, err := build.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
