package e2e

import (
	"strings"
	"sync"
	"testing"
)

// logLines collects what the controller logs, as JSON.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

// String returns all lines.
func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// with returns the lines that hold all of these texts.
func (l *logLines) with(texts ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
lines:
	for _, line := range l.lines {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue lines
			}
		}
		found = append(found, line)
	}
	return found
}

// want checks that exactly n lines hold all of these texts.
func (l *logLines) want(t testing.TB, n int, texts ...string) {
	t.Helper()
	if got := l.with(texts...); len(got) != n {
		t.Errorf("%d log lines with %q, want %d; log:\n%s", len(got), texts, n, l)
	}
}
