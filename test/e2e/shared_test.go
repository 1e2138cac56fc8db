package e2e

import (
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
