package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProfilesAreLeftWhenACommandEnds(t *testing.T) { //nolint:paralleltest // a process has one CPU profile
	dir := filepath.Join(t.TempDir(), "new")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"version", "--profile-dir", dir}, &stdout, &stderr); code != 0 {
		t.Fatalf("version with profiles exits %d: %s", code, stderr.String())
	}
	gzip := []byte{0x1f, 0x8b}
	for _, name := range []string{"cpu.pprof", "heap.pprof"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(content, gzip) {
			t.Errorf("%s has %d bytes that are no profile: go tool pprof reads gzip", name, len(content))
		}
	}
}

func TestAProfileThatCannotBeWrittenEndsTheCommandFirst(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"version", "--profile-dir", file}, &stdout, &stderr)
	if code != 1 || stdout.Len() > 0 || !strings.Contains(stderr.String(), "--profile-dir") {
		t.Errorf("exit code %d, output %q, error %q: want 1, nothing done and the flag named", code, stdout.String(),
			stderr.String())
	}
}
