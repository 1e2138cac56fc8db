package e2e

import (
	"fmt"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestOfTwoThatShareAContainerTheLastOneRemovesIt ends the second session, and lets go of its claim, when the first one
// has seen that it leaves the container to it (S5).
func TestOfTwoThatShareAContainerTheLastOneRemovesIt(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{})
		w.insert("first", "TERMINATED", id)
		w.insert("second", "ACTIVE", id)
		looks := 0
		w.sweepWith(w.hooked(hooks{before: func(what string) error {
			if what != "claimants" {
				return nil
			}
			if looks++; looks == 2 { // the first was the look
				w.serverDoes(`UPDATE sessions SET status = 'ERROR', container_id = NULL WHERE id = 'second'`)
			}
			return nil
		}}))
		w.wantRow("first", "TERMINATED NULL")
		w.wantState(id, "gone")
	})
}

func TestOfManyThatShareAContainerEachLetsGoOfItInTurn(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{})
		w.insert("last", "ACTIVE", id)
		ended := make([]string, 20)
		for i := range ended {
			ended[i] = fmt.Sprintf("ended-%d", i)
			w.insert(ended[i], "TERMINATED", id)
		}
		if report := w.sweep(); len(report.Left)+len(report.Failed) != 0 {
			w.Errorf("left %+v, failed %+v", report.Left, report.Failed)
		}
		for _, session := range ended {
			w.wantRow(session, "TERMINATED NULL")
		}
		w.wantRow("last", "ACTIVE "+id)
		w.wantState(id, "running")
	})
}
