package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/session-controller/session-controller/test/testenv"
)

// A claim can be written in many ways, and a name can be used again: the tests below are about which container a row
// means.

func removeForced(w *world, id string) {
	w.Helper()
	if err := testenv.Docker(w.TB).ContainerRemove(w.Context(), id, container.RemoveOptions{Force: true}); err != nil {
		w.Fatal(err)
	}
}

func TestEveryFormOfALiveClaimKeepsTheContainer(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		name := testenv.Name(w.TB, w.prefix)
		id := w.run(testenv.Container{Name: name})
		for _, form := range []string{id, "/" + id, id[:12], "/" + id[:12], id[:40], name, "/" + name} {
			w.insert("live", "ACTIVE", form)
			w.insert("ended", "TERMINATED", id)
			w.sweep()
			w.wantRow("live", "ACTIVE "+form)
			w.wantRow("ended", "TERMINATED NULL")
			w.wantState(id, "running")
			w.serverDoes(`DELETE FROM sessions`)
		}
	})
}

func TestEveryFormOfAnEndedClaimLosesTheContainer(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		for i, form := range []func(id, name string) string{
			func(id, _ string) string { return "/" + id },
			func(id, _ string) string { return "/" + id[:12] },
			func(_, name string) string { return "/" + name },
		} {
			name, session := testenv.Name(w.TB, w.prefix), string(rune('a'+i))
			id := w.run(testenv.Container{Name: name})
			w.insert(session, "TERMINATED", form(id, name))
			w.sweep()
			w.wantRow(session, "TERMINATED NULL")
			w.wantState(id, "gone")
		}
	})
}

func TestAClaimThatIsStoredAsBytesIsAClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "file:"+filepath.Join(t.TempDir(), "sessions.db"), "sqlite")
	shared, alone := w.run(testenv.Container{}), w.run(testenv.Container{})
	w.insert("live", "ACTIVE", []byte(shared))
	w.insert("ended", "TERMINATED", shared)
	w.insert("ended-bytes", "TERMINATED", []byte(alone))
	w.sweep()
	w.wantRow("live", "ACTIVE "+shared)
	w.wantState(shared, "running")
	w.wantRow("ended-bytes", "TERMINATED NULL")
	w.wantState(alone, "gone")
}

func TestTwoEndedRowsThatClaimOneContainerAreBothReleased(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{Cmd: []string{"/workload", "ignore-term"}})
		w.insert("a", "TERMINATED", id)
		w.insert("b", "ERROR", id)
		report := w.sweep()
		w.wantRow("a", "TERMINATED NULL")
		w.wantRow("b", "ERROR NULL")
		if len(report.Left) != 0 {
			w.Errorf("left: %+v", report.Left)
		}
	})
}

func TestANewContainerWithTheNameOfAnEndedSessionIsAnotherOne(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Policy.ExitGrace.Duration, w.opts.Policy.LeakGrace.Duration = time.Hour, time.Hour
		name := testenv.Name(w.TB, w.prefix)
		old := w.run(testenv.Container{Name: name})
		w.insert("s1", "ACTIVE", name)
		w.start(w.engine)
		w.sureOfNames()
		// The server stops the session: its container first, then the row, within exitGrace.
		removeForced(w, old)
		w.serverDoes(`UPDATE sessions SET status = 'TERMINATED' WHERE id = 's1'`)
		// Its user resumes at once: a new container of the same name, then status and claim in one UPDATE.
		fresh := w.run(testenv.Container{Name: name})
		w.until("the start of the new one is dealt with", func() bool { // it is seen before it is there, or after
			return w.row("s1") == "TERMINATED NULL" || strings.Contains(w.log.String(), `"will":"pin"`)
		})
		w.serverDoes(`UPDATE sessions SET status = 'ACTIVE', container_id = $1 WHERE id = 's1'`, name)
		w.sweep()
		w.wantRow("s1", "ACTIVE "+name)
		w.wantState(fresh, "running")
	})
}

func TestAContainerThatWasRenamedIsStillTheOneThatTheSessionHad(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.ResyncPeriod = 100 * time.Millisecond
		name := testenv.Name(w.TB, w.prefix)
		id := w.run(testenv.Container{Name: name})
		w.insert("s1", "ACTIVE", name)
		w.opts.Policy.GoneGrace.Duration = time.Hour
		w.start(deaf{w.engine})
		w.sureOfNames()
		if err := testenv.Docker(w.TB).ContainerRename(w.Context(), id, testenv.Name(w.TB, w.prefix)); err != nil {
			w.Fatal(err)
		}
		w.serverDoes(`UPDATE sessions SET status = 'TERMINATED' WHERE id = 's1'`)
		w.until("the session is released", func() bool { return w.row("s1") == "TERMINATED NULL" })
		w.wantState(id, "gone")
	})
}

func TestARowThatClaimedNothingInBetweenBeginsAnew(t *testing.T) {
	t.Parallel()
	for reason, between := range map[string][2]string{
		"the claim was cleared": {
			`UPDATE sessions SET status = 'TERMINATED', container_id = NULL WHERE id = 's1'`,
			`UPDATE sessions SET status = 'ACTIVE', container_id = $1 WHERE id = 's1'`,
		},
		"the row was deleted": {
			`DELETE FROM sessions WHERE id = 's1'`,
			`INSERT INTO sessions (id, status, container_id) VALUES ('s1', 'ACTIVE', $1)`,
		},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			inBoth(t, func(w *world) {
				w.opts.Policy.StartGrace.Duration = time.Hour // the name is saved ahead of the new container
				w.opts.ResyncPeriod = 100 * time.Millisecond
				o, c := w.counting()
				w.opts = o
				name := testenv.Name(w.TB, w.prefix)
				old := w.run(testenv.Container{Name: name})
				w.insert("s1", "ACTIVE", name)
				w.start(w.engine)
				w.sureOfNames()
				w.serverDoes(between[0])
				removeForced(w, old)
				w.until("it is known to claim nothing", func() bool {
					return len(w.log.with(`"msg":"Swept","rows":0`)) > 0
				})
				w.serverDoes(between[1], name)
				looks := c.Get.Load()
				w.until("the revived session is looked at", func() bool { return c.Get.Load() >= looks+2 })
				w.wantRow("s1", "ACTIVE "+name)
			})
		})
	}
}
