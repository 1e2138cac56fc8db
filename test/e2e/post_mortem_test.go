package e2e

import (
	"testing"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

const endedLine = `"msg":"Removing container, this is how it ended"`

// TestHowAContainerEndedIsLoggedBeforeItIsRemoved also shows that its output is only logged where that was asked for:
// it can hold secrets (S7).
func TestHowAContainerEndedIsLoggedBeforeItIsRemoved(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		for session, lines := range map[string]int{"plain": 0, "kept": 2} {
			name := testenv.Name(w.TB, w.prefix)
			id := w.run(testenv.Container{Name: name, Cmd: []string{"/workload", "say", "7", "one", "password=hidden", "three"}})
			w.until("it has exited", func() bool { return w.state(id) == "exited" })
			w.insert(session, "ACTIVE", name)
			w.opts.Policy.KeepLogs = lines
			w.sweep()
			w.wantRow(session, "ERROR NULL")
			w.wantState(id, "gone")
			w.log.want(w, 1, endedLine, `"session":"`+session+`"`, `"container":"`+id+`"`, `"exitcode":7`, `"oom":false`,
				`"restarts":0`, `"started":"`, `"finished":"`, `"created":"`)
		}
		w.log.want(w, 1, `"output":["password=hidden","three"]`)
		w.log.want(w, 1, "hidden")
	})
}

// A removal that is refused is tried again and again: it is written down once.
func TestHowAContainerEndedIsLoggedOnce(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		name := testenv.Name(w.TB, w.prefix)
		id := w.run(testenv.Container{Name: name, Cmd: []string{"/workload", "say", "7", "one"}})
		w.until("it has exited", func() bool { return w.state(id) == "exited" })
		w.insert("s1", "TERMINATED", name)
		w.opts.Policy.KeepLogs = 1
		refused := 0
		w.opts = w.hooked(hooks{before: func(what string) error {
			if what == "remove" && refused < 3 {
				refused++
				return dockerwatch.ErrTimeout
			}
			return nil
		}})
		w.sweep()
		w.wantState(id, "gone")
		w.log.want(w, 1, endedLine, `"output":["one"]`)
		if refused != 3 {
			w.Errorf("the removal was refused %d times, want 3", refused)
		}
	})
}
