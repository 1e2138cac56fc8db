package e2e

import (
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/test/testenv"
)

// Each test is one rule of the first table of docs/how-it-works.md, against the real thing.

func TestRow1UnknownStatusIsHandsOff(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.exited()
		w.insert("s1", "PAUSED", id)
		before := w.everything(id)
		w.sweep()
		if after := w.everything(id); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		w.log.want(w, 1, `"reason":"StatusUnknown"`, `"session":"s1"`)
	})
}

func TestRow3ImpossibleClaimIsHandsOff(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		for id, claim := range map[string]string{
			"slash": "no such/ref", "query": "a?force=1", "dots": "../x", "short-prefix": "ab12", "blank-inside": "a b",
		} {
			w.insert(id, "ACTIVE", claim)
			w.insert(id+"-ended", "TERMINATED", claim)
		}
		before := w.everything()
		w.sweep()
		if after := w.everything(); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		w.log.want(w, 10, `"reason":"ClaimInvalid"`)
	})
}

func TestRow5ContainerOfAnotherSessionIsReportedOrReleased(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{Labels: map[string]string{w.label: "owner"}})
		w.insert("s1", "ACTIVE", id)
		w.sweep()
		w.wantRow("s1", "ACTIVE "+id)
		w.log.want(w, 1, `"reason":"ContainerTaken"`, `"owner":"owner"`)

		w.opts.Ownership.Exclusive = true
		w.sweep()
		w.wantRow("s1", "ERROR NULL")
		w.wantState(id, "running")
	})
}

func TestRow6HealthySessionsAreLeftAlone(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		running, paused := w.run(testenv.Container{}), w.run(testenv.Container{})
		if err := testenv.Docker(w.TB).ContainerPause(w.Context(), paused); err != nil {
			w.Fatal(err)
		}
		w.insert("running", "ACTIVE", running)
		w.insert("paused", "IDLE", paused)
		before := w.everything(running, paused)
		report := w.sweep()
		if after := w.everything(running, paused); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		if report.Sweep.Healthy != 2 || report.Sweep.Adrift != 0 {
			w.Errorf("counted %+v, want two healthy rows and no look at any", report.Sweep)
		}
	})
}

func TestRow8ContainerThatNeverStartsFails(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{NoStart: true})
		w.insert("s1", "ACTIVE", id)
		w.opts.Policy.StartGrace.Duration = 300 * time.Millisecond
		began := time.Now()
		w.sweep()
		if took := time.Since(began); took < 300*time.Millisecond {
			w.Errorf("failed after %s, before the grace was over", took)
		}
		w.wantRow("s1", "ERROR NULL")
		w.wantState(id, "gone")
		w.log.want(w, 1, `"reason":"NeverStarted"`, `"action":"fail"`)
	})
}

func TestRow9RestartPolicyGetsItsOwnGrace(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{RestartPolicy: "always"})
		// docker stop leaves it exited: what an engine that is shutting down shows, too.
		if err := testenv.Docker(w.TB).ContainerStop(w.Context(), id, container.StopOptions{}); err != nil {
			w.Fatal(err)
		}
		w.insert("s1", "ACTIVE", id)
		w.opts.Policy.RestartGrace.Duration = time.Hour
		report := w.sweep()
		w.wantRow("s1", "ACTIVE "+id)
		if len(report.Pending) != 1 {
			w.Errorf("pending: %+v, want the one session", report.Pending)
		}
		w.opts.Policy.RestartGrace.Duration = 0
		w.sweep()
		w.wantRow("s1", "ERROR NULL")
	})
}

func TestRow10ExitedContainerFailsItsSession(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.exited()
		w.insert("s1", "ACTIVE", id)
		w.sweep()
		w.wantRow("s1", "ERROR NULL")
		w.wantState(id, "gone")
		w.log.want(w, 1, `"action":"fail"`, `"session":"s1"`, `"container":"`+id, `"reason":"ContainerExited"`,
			`"phase":"Exited"`, `"exitcode":3`, `"oom":false`, `"status":"ACTIVE"`, `"newstatus":"ERROR"`, `"took":`)
		w.log.want(w, 1, `"action":"remove"`, `"reason":"ContainerExited"`, `"claim":"`+id, `"newclaim":""`)
	})
}

func TestRow10OutOfMemoryHasItsOwnReason(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{Cmd: []string{"/workload", "oom"}, MemoryMiB: 16})
		w.until("the kernel has killed it", func() bool { return w.state(id) == "exited" })
		w.insert("s1", "IDLE", id)
		w.sweep()
		w.wantRow("s1", "ERROR NULL")
		w.log.want(w, 1, `"action":"fail"`, `"reason":"ContainerOOMKilled"`, `"exitcode":137`, `"oom":true`)
	})
}

func TestRow10WaitsForSomebodyWhoRestartsTheContainer(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.exited()
		w.insert("s1", "ACTIVE", id)
		w.opts.Policy.ExitGrace.Duration = time.Hour
		report := w.sweep()
		w.wantRow("s1", "ACTIVE "+id)
		w.wantState(id, "exited")
		if len(report.Pending) != 1 || report.Pending[0].Verdict.Reason != controllers.ContainerExited {
			w.Errorf("pending: %+v, want the one session with its reason", report.Pending)
		}
	})
}

func TestRow11GoneContainerFailsItsSession(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.insert("by-id", "ACTIVE", "f00d"+id60)
		w.insert("by-name", "ACTIVE", testenv.Name(w.TB, w.prefix))
		w.insert("by-short-id", "ACTIVE", "f00d"+id60[:8])
		w.sweep()
		for _, s := range []string{"by-id", "by-name", "by-short-id"} {
			w.wantRow(s, "ERROR NULL")
			w.log.want(w, 1, `"session":"`+s+`"`, `"reason":"ContainerGone"`, `"newstatus":"ERROR"`, `"newclaim":""`)
		}
	})
}

// id60 completes a full id that no container has.
const id60 = "000000000000000000000000000000000000000000000000000000000000"

func TestRow12SharedContainerSurvivesTheEndOfOneSession(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		name := testenv.Name(w.TB, w.prefix)
		id := w.run(testenv.Container{Name: name})
		for status, claim := range map[string]string{"TERMINATED": id, "ACTIVE": name, "ERROR": id[:12]} {
			w.insert(status, status, claim)
		}
		w.sweep()
		w.wantRow("TERMINATED", "TERMINATED NULL")
		w.wantRow("ERROR", "ERROR NULL")
		w.wantRow("ACTIVE", "ACTIVE "+name)
		w.wantState(id, "running")
		w.log.want(w, 2, `"reason":"ContainerShared"`, `"action":"release"`)
	})
}

func TestRow12ContainerLabelledWithAnotherSessionIsOnlyReleased(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.run(testenv.Container{Labels: map[string]string{w.label: "other"}})
		w.insert("s1", "TERMINATED", id)
		w.sweep()
		w.wantRow("s1", "TERMINATED NULL")
		w.wantState(id, "running")
	})
}

func TestRow13EndedSessionLosesItsContainer(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		paused := w.run(testenv.Container{})
		if err := testenv.Docker(w.TB).ContainerPause(w.Context(), paused); err != nil {
			w.Fatal(err)
		}
		ids := map[string]string{
			"running":  w.run(testenv.Container{}),
			"paused":   paused,
			"stubborn": w.run(testenv.Container{Cmd: []string{"/workload", "ignore-term"}}),
			"exited":   w.exited(),
			"created":  w.run(testenv.Container{NoStart: true}),
			"auto":     w.run(testenv.Container{AutoRemove: true}),
		}
		for session, id := range ids {
			w.insert(session, "TERMINATED", id)
		}
		w.sweep()
		for session, id := range ids {
			w.wantRow(session, "TERMINATED NULL")
			w.wantState(id, "gone")
		}
		w.log.want(w, 4, `"msg":"Container stopped"`)
	})
}

func TestRow13ClaimsByNameAndShortIDArePinnedFirst(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		name := testenv.Name(w.TB, w.prefix)
		byName, byShort := w.run(testenv.Container{Name: name}), w.run(testenv.Container{})
		w.insert("name", "TERMINATED", name)
		w.insert("short", "ERROR", byShort[:12])
		w.sweep()
		w.wantRow("name", "TERMINATED NULL")
		w.wantRow("short", "ERROR NULL")
		w.wantState(byName, "gone")
		w.wantState(byShort, "gone")
		w.log.want(w, 1, `"action":"pin"`, `"claim":"`+name+`"`, `"newclaim":"`+byName)
	})
}

func TestRow13RemovalDelayKeepsTheDeadContainer(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.exited()
		w.insert("s1", "ACTIVE", id)
		w.opts.Policy.RemovalDelay.Duration = time.Hour
		report := w.sweep()
		w.wantRow("s1", "ERROR "+id)
		w.wantState(id, "exited")
		if len(report.Pending) != 1 {
			w.Errorf("pending: %+v, want the removal", report.Pending)
		}
	})
}

func TestRow14EndedSessionWithoutContainerIsReleased(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.insert("s1", "TERMINATED", "f00d"+id60)
		w.sweep()
		w.wantRow("s1", "TERMINATED NULL")
	})
}

func TestForeignContainersAreNeverTouched(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		running := w.run(testenv.Container{Name: testenv.Name(w.TB, "somebody-elses-")})
		dead := w.run(testenv.Container{
			Name: testenv.Name(w.TB, "somebody-elses-"), Cmd: []string{"/workload", "exit", "3"},
		})
		w.until("the container has exited", func() bool { return w.state(dead) == "exited" })
		otherInstallation := w.run(testenv.Container{Labels: map[string]string{
			w.label: "labelled", "io.session-controller.installation": "another",
		}})
		w.insert("ended", "TERMINATED", running)
		w.insert("live", "ACTIVE", dead)
		w.insert("labelled", "TERMINATED", otherInstallation)
		w.sweep()
		w.wantRow("ended", "TERMINATED "+running)
		w.wantRow("live", "ERROR "+dead)
		w.wantRow("labelled", "TERMINATED "+otherInstallation)
		w.wantState(running, "running")
		w.wantState(dead, "exited")
		w.wantState(otherInstallation, "running")
		w.log.want(w, 3, `"reason":"ContainerForeign"`)

		w.opts.Ownership.Claimed = true
		w.sweep()
		for session, row := range map[string]string{"ended": "TERMINATED", "live": "ERROR", "labelled": "TERMINATED"} {
			w.wantRow(session, row+" NULL")
		}
		for _, id := range []string{running, dead, otherInstallation} {
			w.wantState(id, "gone")
		}
	})
}
