package main

import (
	"io"
	"strings"
	"testing"
)

// Whoever types --help sees how the command is used.
func TestEveryCommandHasAnExample(t *testing.T) {
	t.Parallel()
	for _, cmd := range newRootCommand(io.Discard, io.Discard, usualElection()).Commands() {
		if !strings.Contains(cmd.Example, "session-controller "+cmd.Name()) {
			t.Errorf("%s has no example", cmd.Name())
		}
		if code, out, _ := command(t, cmd.Name(), "--help"); code != 0 || !strings.Contains(out, "Examples:") {
			t.Errorf("%s --help ended with %d:\n%s", cmd.Name(), code, out)
		}
	}
}

func TestShellsAreToldWhatCompletesACommand(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, stderr := command(t, "completion", shell); code != 0 || len(out) < 1000 {
			t.Errorf("completion %s ended with %d and %d bytes: %s", shell, code, len(out), stderr)
		}
	}
	if code, out, _ := command(t, "__complete", "pa"); code != 0 || !strings.HasPrefix(out, "pause\t") {
		t.Errorf("pa is completed by %q", out)
	}
	if code, out, _ := command(t, "__complete", "plan", "--output", ""); code != 0 || !strings.Contains(out, "json") {
		t.Errorf("--output is completed by %q", out)
	}
}
