package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/test/testenv"
)

// TestACrashAnywhereLosesNothing ends the controller at every boundary between two effects, on either side of each, and
// lets the next start finish (L2).
func TestACrashAnywhereLosesNothing(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		// One worker makes the order of effects the same in every run: the eighth effect and the ones after it do not
		// exist (fail, remove, release; pin, stop, remove, release).
		w.opts.Workers = 1
		crashes := 0
		for n := range 8 {
			for _, happens := range []bool{false, true} {
				if crashAt(w, n, happens) {
					crashes++
				}
			}
		}
		if crashes != 14 {
			w.Errorf("the controller was ended %d times, want twice at each of 7 effects", crashes)
		}
	})
}

// crashAt runs a controller that ends at its nth effect, then one that does not, and checks what is left.
func crashAt(w *world, n int, happens bool) (died bool) {
	w.Helper()
	name, deadName := testenv.Name(w.TB, w.prefix), testenv.Name(w.TB, w.prefix)
	running := w.run(testenv.Container{Name: name})
	dead := w.run(testenv.Container{Name: deadName, NoStart: true}) // as dead as one that has exited, and made at once
	ended, failed := fmt.Sprintf("ended-%d-%t", n, happens), fmt.Sprintf("failed-%d-%t", n, happens)
	w.insert(ended, "TERMINATED", name)
	w.insert(failed, "ACTIVE", deadName)

	ctx, kill := context.WithCancel(w.Context())
	defer kill()
	m := &mortal{n: n, happens: happens, kill: kill}
	_, _ = controllers.SweepOnce(ctx, w.hooked(m.hooks()), time.Minute, nil) // it dies: what it says is lost
	w.sweep()
	w.wantRow(ended, "TERMINATED NULL")
	w.wantRow(failed, "ERROR NULL")
	w.wantState(running, "gone")
	w.wantState(dead, "gone")
	return m.dead
}

// The tests below let somebody move between a look and the effect that follows it.

func TestAServerThatRespawnsWhileItsSessionIsFailedWins(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		old, fresh := w.exited(), w.run(testenv.Container{})
		w.insert("s1", "ACTIVE", old)
		w.sweepWith(w.hooked(once("fail", func() {
			w.serverDoes(`UPDATE sessions SET container_id = $1 WHERE id = 's1'`, fresh)
		})))
		w.wantRow("s1", "ACTIVE "+fresh)
		w.wantState(fresh, "running")
	})
}

func TestAServerThatEndsTheSessionWhileItIsFailedKeepsItsStatus(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.exited()
		w.insert("s1", "ACTIVE", id)
		w.sweepWith(w.hooked(once("fail", func() {
			w.serverDoes(`UPDATE sessions SET status = 'TERMINATED' WHERE id = 's1'`)
		})))
		w.wantRow("s1", "TERMINATED NULL")
		w.wantState(id, "gone")
	})
}

func TestARowThatIsDeletedWhileItIsFailedIsNobodysBusiness(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.exited()
		w.insert("s1", "ACTIVE", id)
		w.sweepWith(w.hooked(once("fail", func() { w.serverDoes(`DELETE FROM sessions`) })))
		w.wantState(id, "exited")
	})
}

func TestAReviveWithANewContainerKeepsItWhileTheOldOneIsRemoved(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		old, fresh := w.exited(), w.run(testenv.Container{})
		w.insert("s1", "TERMINATED", old)
		w.sweepWith(w.hooked(once("remove", func() {
			w.serverDoes(`UPDATE sessions SET status = 'ACTIVE', container_id = $1 WHERE id = 's1'`, fresh)
		})))
		w.wantRow("s1", "ACTIVE "+fresh)
		w.wantState(fresh, "running")
		w.wantState(old, "gone")
	})
}

func TestAContainerThatComesBackToLifeIsStoppedAndNeverForced(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{})
		stop(w, id)
		w.insert("s1", "TERMINATED", id)
		w.sweepWith(w.hooked(once("remove", func() {
			if err := testenv.Docker(w.TB).ContainerStart(w.Context(), id, container.StartOptions{}); err != nil {
				w.Error(err)
			}
		})))
		w.wantRow("s1", "TERMINATED NULL")
		w.wantState(id, "gone")
		w.log.want(w, 1, `"msg":"Container stopped"`) // the engine refused the removal of a running container
	})
}

func TestANameThatIsUsedAgainIsAnotherContainer(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		name := testenv.Name(w.TB, w.prefix)
		old := w.run(testenv.Container{Name: name})
		w.insert("s1", "TERMINATED", name)
		var fresh string
		w.sweepWith(w.hooked(once("pin", func() {
			remove := container.RemoveOptions{Force: true}
			if err := testenv.Docker(w.TB).ContainerRemove(w.Context(), old, remove); err != nil {
				w.Error(err)
			}
			fresh = w.run(testenv.Container{Name: name})
		})))
		w.wantRow("s1", "TERMINATED NULL")
		w.wantState(fresh, "running")
	})
}

func TestASessionThatTakesTheContainerWhileItIsLookedAtKeepsIt(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		name := testenv.Name(w.TB, w.prefix)
		id := w.run(testenv.Container{Name: name})
		w.insert("s1", "TERMINATED", name)
		w.sweepWith(w.hooked(once("pin", func() { w.insert("s2", "ACTIVE", id) })))
		w.wantRow("s1", "TERMINATED NULL")
		w.wantRow("s2", "ACTIVE "+id)
		w.wantState(id, "running")
	})
}

func TestASessionThatIsRevivedWhileItsContainerIsLookedAtKeepsIt(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{})
		w.insert("s1", "TERMINATED", id)
		w.sweepWith(w.hooked(once("claimants", func() {
			w.serverDoes(`UPDATE sessions SET status = 'ACTIVE' WHERE id = 's1'`)
		})))
		w.wantRow("s1", "ACTIVE "+id)
		w.wantState(id, "running")
	})
}

func TestDryRunWritesNothingAnywhere(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		dead, running := w.exited(), w.run(testenv.Container{})
		w.insert("dead", "ACTIVE", dead)
		w.insert("ended", "TERMINATED", running)
		w.insert("gone", "ACTIVE", "f00d"+id60)
		before := w.everything(dead, running)
		w.opts.DryRun = true
		report := w.sweep()
		if after := w.everything(dead, running); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		if len(report.Left) != 3 || report.Effects != 0 {
			w.Errorf("left %d, effects %d, want 3 and none", len(report.Left), report.Effects)
		}
		w.log.want(w, 3, "dry run")
	})
}

func TestAPlanChangesNothingAndSaysWhat(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		dead := w.exited()
		w.insert("dead", "ACTIVE", dead)
		w.insert("healthy", "ACTIVE", w.run(testenv.Container{}))
		w.insert("odd", "PAUSED", nil)
		w.opts.Policy.ExitGrace.Duration = time.Hour
		before := w.everything(dead)
		plan, err := controllers.MakePlan(w.Context(), w.opts, nil)
		if err != nil {
			w.Fatal(err)
		}
		if after := w.everything(dead); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		if len(plan.Sessions) != 1 || plan.Sessions[0].Facts.Row.ID != "dead" || plan.Sessions[0].Intent() != "fail+remove" ||
			plan.Sessions[0].Verdict.Wait < 50*time.Minute || !plan.Drift() {
			w.Errorf("items: %+v", plan.Sessions)
		}
		if len(plan.Unknown) != 1 || plan.Unknown[0].Status != "PAUSED" || plan.Unknown[0].Rows != 1 {
			w.Errorf("unknown statuses: %+v", plan.Unknown)
		}
	})
}

func stop(w *world, id string) {
	w.Helper()
	if err := testenv.Docker(w.TB).ContainerStop(w.Context(), id, container.StopOptions{}); err != nil {
		w.Fatal(err)
	}
}
