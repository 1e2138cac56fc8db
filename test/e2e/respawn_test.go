package e2e

import (
	"sync"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestARespawnAtAnyMomentOfAFailureIsLeftAlone lets the server put a new container in the place of a dead one, with the
// status and the claim in one statement, on either side of each effect by which the session is being failed.
func TestARespawnAtAnyMomentOfAFailureIsLeftAlone(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		for _, moment := range []string{
			"before fail", "after fail", "before remove", "after remove", "before release", "after release",
		} {
			session := w.number()
			w.insert(session, "ACTIVE", nil)
			// Never started, it is as dead as one that has exited, and there is no need to wait for that.
			old := w.run(testenv.Container{
				Name: testenv.Name(w.TB, "any-"), Labels: w.labels(session), NoStart: true,
			})
			w.serverDoes(`UPDATE sessions SET container_id = $1 WHERE id = $2`, old, session)
			fresh := w.run(testenv.Container{})
			since := w.running(fresh)

			var once sync.Once
			respawned := false
			at := func(when string) func(string) error {
				return func(effect string) error {
					if when+effect == moment {
						once.Do(func() {
							respawned = true
							w.serverDoes(`UPDATE sessions SET status = 'ACTIVE', container_id = $1 WHERE id = $2`, fresh, session)
						})
					}
					return nil
				}
			}
			w.sweepWith(w.hooked(hooks{before: at("before "), after: at("after ")}))
			w.sweep()
			if !respawned {
				w.Errorf("%s: there was no such moment; log:\n%s", moment, w.log)
			}
			w.wantRow(session, "ACTIVE "+fresh)
			if now := w.running(fresh); now != since {
				w.Errorf("%s: the new container is %q, want %q; log:\n%s", moment, now, since, w.log)
			}
			for _, action := range []string{"stop", "remove", "fail"} {
				w.log.want(w, 0, `"container":"`+fresh, `"action":"`+action)
			}
			w.wantState(old, "gone") // nothing is lost either: what the server did not wait for is superseded
		}
	})
}
