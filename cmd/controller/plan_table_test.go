package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// outcome is an ended session whose container runs.
func outcome(session, claim string) controllers.SessionOutcome {
	return controllers.SessionOutcome{
		Facts: controllers.SessionFacts{
			Row:       sessiondb.Row{ID: session, Status: "TERMINATED", Kind: sessiondb.StatusEnded, Claim: claim},
			Container: dockerwatch.Observation{Phase: dockerwatch.Running, ID: strings.Repeat("a", 64)},
			Owner:     dockerwatch.Owner{Owned: true},
		},
		Verdict: controllers.Verdict{Action: controllers.Stop, Reason: controllers.SessionEnded},
	}
}

func table(t *testing.T, p controllers.Plan, width int) string {
	t.Helper()
	var b strings.Builder
	if err := writePlanTable(&b, p, width, paint{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlanTableFitsTheTerminal(t *testing.T) {
	t.Parallel()
	uuid, name := "3f2a8c1e-8f2b-4c62-9d1e-1234567890ab", "claude-work-3f2a8c1e-8f2b-4c62-9d1e-1234567890ab"
	p := controllers.Plan{Sessions: []controllers.SessionOutcome{outcome(uuid, name), outcome("éééééééééééé", "n")}}
	for _, width := range []int{80, 100, 200} {
		for line := range strings.Lines(table(t, p, width)) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("a line of %d characters on a terminal of %d: %s", n, width, line)
			}
		}
	}
	wantAll(t, table(t, p, 80), "3f2a8c1e-8…", "claude-wor…", "stop+remove")
	wantAll(t, table(t, p, 0), uuid, name) // a pipe gets everything
}

func TestPlanTableIsSafeForATerminal(t *testing.T) {
	t.Parallel()
	hostile := "a\x1b[2Jb\nc\u009bd\x7f"
	p := controllers.Plan{
		Sessions: []controllers.SessionOutcome{outcome(hostile, hostile)},
		Foreign:  []controllers.ForeignClaim{{Session: hostile, Container: hostile, Setting: "x"}},
	}
	out := table(t, p, 0)
	if strings.ContainsAny(out, "\x1b\u009b\x7f") || strings.Count(out, "\n") != 5 {
		t.Errorf("a stored value controls the terminal: %q", out)
	}
	wantAll(t, out, "a?[2Jb?c?d?")
}

func TestPlanTableNamesWhatIsLeftAlone(t *testing.T) {
	t.Parallel()
	p := controllers.Plan{
		Unknown: []sessiondb.StatusCount{{Status: "PAUSED", Rows: 3}, {Null: true, Rows: 1}},
		Foreign: make([]controllers.ForeignClaim, 25),
	}
	want := `No drift: 0 sessions claim something, 0 of them healthy; 0 containers on the engine.

Statuses the configuration does not know (their rows are left alone):
  "PAUSED": 3 rows
  NULL: 1 rows
  Name them in database.statuses.live or database.statuses.ended.

Claims of containers that are not owned (they are never stopped or removed):
`
	got := table(t, p, 80)
	if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantAll(t, got, "and 15 more; -o json lists them all")
}
