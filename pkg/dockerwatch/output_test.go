package dockerwatch_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

func TestOutputIsTheLastLinesOfBothStreams(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	tests := []struct {
		reason string
		run    testenv.Container
		lines  int
		want   []string
	}{
		{
			"fewer than were asked for", testenv.Container{Cmd: []string{"/workload", "say", "3", "one", "!two"}}, 10,
			[]string{"!two", "one"},
		},
		{
			"the last of many", testenv.Container{Cmd: []string{"/workload", "say", "0", "one", "two", "", "four"}}, 2,
			[]string{"", "four"},
		},
		{
			"one stream, where it has a terminal",
			testenv.Container{Cmd: []string{"/workload", "say", "0", "one", "!two"}, Terminal: true}, 10,
			[]string{"!two", "one"},
		},
		{"nothing", testenv.Container{Cmd: []string{"/workload", "exit", "3"}}, 10, nil},
		{
			"a long line is cut", testenv.Container{Cmd: []string{"/workload", "say", "0", long}}, 1,
			[]string{long[:1024] + "…"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			engine := realEngine(t)
			id := testenv.Run(t, tt.run)
			got, err := engine.Output(t.Context(), becomes(t, engine, id, dockerwatch.Exited), tt.lines)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got) // of two streams the engine hears in any order
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

// A container's last words are why its output is kept.
func TestOfMuchOutputTheEndIsKept(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("x", 1000)
	said := append(slices.Repeat([]string{line}, 600), "the end")
	for _, terminal := range []bool{false, true} {
		id := testenv.Run(t, testenv.Container{Cmd: append([]string{"/workload", "say", "0"}, said...), Terminal: terminal})
		engine := realEngine(t)
		got, err := engine.Output(t.Context(), becomes(t, engine, id, dockerwatch.Exited), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(got); n < 200 || n > 270 || got[0] != line || got[n-1] != "the end" {
			t.Errorf("terminal %t: %d lines, want the last 256 KiB of whole ones", terminal, len(got))
		}
	}
}

func TestOutputOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	gone := dockerwatch.Observation{ID: strings.Repeat("0", 64)}
	if _, err := realEngine(t).Output(t.Context(), gone, 1); !errors.Is(err, dockerwatch.ErrNotThere) {
		t.Errorf("got %v, want ErrNotThere", err)
	}
	if _, err := realEngine(t).Output(t.Context(), gone, 0); !errors.Is(err, dockerwatch.ErrInvalidReference) {
		t.Errorf("got %v for no line, want ErrInvalidReference", err)
	}
}

// What the engine says of a start that failed quotes the command; what is told of it must not.
func TestTheKindOfAnErrorQuotesNothing(t *testing.T) {
	t.Parallel()
	engine := realEngine(t)
	id := testenv.Run(t, testenv.Container{Cmd: []string{"/secret-command", "--token=secret"}, NoStart: true})
	if err := testenv.Docker(t).ContainerStart(t.Context(), id, container.StartOptions{}); err == nil {
		t.Fatal("a command that does not exist was started")
	}
	seen, err := engine.Observe(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(seen.Error, "secret-command") {
		t.Errorf("the engine does not quote the command any more: %q", seen.Error)
	}
	if kind := seen.ErrorKind(); kind != "no such file or directory" {
		t.Errorf("the kind is %q of %q", kind, seen.Error)
	}
	if kind := (dockerwatch.Observation{Error: "token=secret"}).ErrorKind(); kind != "other" {
		t.Errorf("the kind of an unknown error is %q", kind)
	}
}
