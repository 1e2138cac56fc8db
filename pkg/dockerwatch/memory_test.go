package dockerwatch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// The engine's memory, on an engine of its own: others would push out what is looked for. The command line of an exec
// is in there, as an event's action, and never gets out of this package.
func TestRecentEvents(t *testing.T) {
	t.Parallel()

	const secret = "hunter2"
	private := testenv.StartEngine(t)
	engine := open(t, dockerwatch.Config{Host: private.Host(), Timeout: patience})
	info, err := engine.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := private.Run(testenv.Container{})
	exec := func() {
		options := container.ExecOptions{Cmd: []string{"/workload", "--token=" + secret}}
		if _, err := private.Docker().ContainerExecCreate(t.Context(), id, options); err != nil {
			t.Fatal(err)
		}
	}
	remembered := func(since time.Time) (all []dockerwatch.Moment, actions []dockerwatch.Action) {
		all, err := engine.RecentEvents(t.Context(), since)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(all, func(a, b dockerwatch.Moment) int { return a.Time.Compare(b.Time) }) {
			t.Error("the oldest is not first")
		}
		if strings.Contains(fmt.Sprintf("%+v", all), secret) {
			t.Error("the command line of an exec got out")
		}
		for _, m := range all {
			if m.ID == id {
				if told := m.Event != nil; told != !strings.HasPrefix(string(m.Action), "exec_") {
					t.Errorf("the stream tells of a %s: %t", m.Action, told)
				}
				actions = append(actions, m.Action)
			}
		}
		return all, actions
	}

	exec()
	_, everything := remembered(time.Time{})
	if diff := cmp.Diff([]dockerwatch.Action{"create", "start", "exec_create"}, everything); diff != "" {
		t.Errorf("all that it remembers (-want +got):\n%s", diff)
	}
	sinceBefore, _ := remembered(info.Time)
	if len(sinceBefore) == 0 || sinceBefore[0].Time.Before(info.Time) {
		t.Errorf("since %s: %+v", info.Time, sinceBefore)
	}
	last := sinceBefore[len(sinceBefore)-1]
	if fromLast, _ := remembered(last.Time); !cmp.Equal(fromLast, []dockerwatch.Moment{last}) {
		t.Errorf("since is inclusive, to the nanosecond: %+v, want %+v", fromLast, last)
	}
	if later, _ := remembered(info.Time.Add(time.Hour)); len(later) != 0 {
		t.Errorf("a time that is not yet: %+v", later)
	}

	for range 256 {
		exec()
	}
	if all, _ := remembered(time.Time{}); len(all) != 256 || all[0].Action != "exec_create" {
		t.Errorf("it remembers %d events, the first %+v; want the last 256 of whatever kind", len(all), all[0])
	}
}
