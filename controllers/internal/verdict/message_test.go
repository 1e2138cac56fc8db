package verdict

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

func TestMessage(t *testing.T) {
	t.Parallel()
	ended := time.Date(2026, 11, 23, 9, 40, 47, 284286403, time.FixedZone("CET", 3600))
	three := 3
	for _, tc := range []struct {
		why    string
		reason Reason
		facts  SessionFacts
		want   string
	}{
		{
			"the inspect knows code and time", ContainerExited,
			SessionFacts{Container: dockerwatch.Observation{Phase: dockerwatch.Exited, ExitCode: 1, FinishedAt: ended}},
			"container exited with code 1 at 2026-11-23T08:40:47Z",
		},
		{
			"out of memory is what people look for", ContainerOOMKilled,
			SessionFacts{Container: dockerwatch.Observation{Phase: dockerwatch.Exited, ExitCode: 137, FinishedAt: ended}},
			"container exited with code 137 (out of memory) at 2026-11-23T08:40:47Z",
		},
		{
			"a container that removed itself is known by its events", ContainerExited,
			SessionFacts{
				Container: dockerwatch.Observation{Phase: dockerwatch.Gone},
				Evidence:  dockerwatch.Evidence{DiedAt: ended, ExitCode: &three},
			},
			"container exited with code 3 at 2026-11-23T08:40:47Z",
		},
		{
			"an exit code of another run is not made up", ContainerExited,
			SessionFacts{
				Container: dockerwatch.Observation{Phase: dockerwatch.Dead},
				Evidence:  dockerwatch.Evidence{ExitCode: &three},
			},
			"container exited",
		},
		{
			"gone, and nothing was heard of it", ContainerGone,
			SessionFacts{Container: dockerwatch.Observation{Phase: dockerwatch.Gone}},
			"container is gone",
		},
		{
			"gone, and its removal was heard", ContainerGone,
			SessionFacts{
				Container: dockerwatch.Observation{Phase: dockerwatch.Gone},
				Evidence:  dockerwatch.Evidence{DestroyedAt: ended},
			},
			"container was removed at 2026-11-23T08:40:47Z",
		},
		{"no time, as it never ran", NeverStarted, SessionFacts{}, "container was created and never started"},
		{
			"how often says how bad", ContainerLooping,
			SessionFacts{Container: dockerwatch.Observation{RestartCount: 7}},
			"container keeps crashing, its restart policy restarted it 7 times",
		},
		{"exclusive containers", ContainerTaken, SessionFacts{}, "container belongs to another session"},
		{
			"the engine's own message can quote a command line with a secret", ContainerExited,
			SessionFacts{Container: dockerwatch.Observation{Phase: dockerwatch.Exited, Error: "--token=secret", Name: "secret"}},
			"container exited",
		},
	} {
		got := Failure(tc.facts, Verdict{Action: Fail, Reason: tc.reason}, "claim")
		if got.Message != tc.want || got.Reason != string(tc.reason) || got.Claim != "claim" {
			t.Errorf("%s: %+v, want the message %q", tc.why, got, tc.want)
		}
	}
}
