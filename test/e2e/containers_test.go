package e2e

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// labels are those of a container that is this world's beyond doubt.
func (w *world) labels(session string) map[string]string {
	w.opts.Ownership.Installation = "of-" + w.prefix
	return map[string]string{w.label: session, dockerwatch.InstallationLabel: "of-" + w.prefix}
}

// labelled starts a container that belongs to a session beyond doubt and whose name says nothing.
func (w *world) labelled(session string, cmd ...string) (id string) {
	w.Helper()
	return w.run(testenv.Container{Name: testenv.Name(w.TB, "any-"), Labels: w.labels(session), Cmd: cmd})
}

// somebody puts a row there that has nothing to do with the test: an empty table is a case of its own.
func (w *world) somebody() {
	w.Helper()
	w.insert("somebody", "ACTIVE", nil)
}

func TestRowAContainersThatAnyRowClaimsAreTheFirstTables(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		byID, byShort, name := w.labelled("nobody"), w.labelled("nobody"), testenv.Name(w.TB, "any-")
		byName := w.run(testenv.Container{Name: name, Labels: w.labels("nobody")})
		w.insert("s1", "ACTIVE", byID)
		w.insert("s2", "PAUSED", byShort[:12])
		w.insert("s3", "ACTIVE", "/"+name)
		before := w.everything(byID, byShort, byName)
		w.sweep()
		if after := w.everything(byID, byShort, byName); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

func TestRowBWhatIsInDoubtIsHeld(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		unknown, invalid, deadInvalid := w.labelled("unknown"), w.labelled("invalid"), w.labelled("dead-invalid")
		kept := w.labels("nobody")
		kept[dockerwatch.KeepLabel] = "true"
		keep := w.run(testenv.Container{Name: testenv.Name(w.TB, "any-"), Labels: kept})
		w.insert("unknown", "PAUSED", nil)
		w.insert("invalid", "ACTIVE", "no such/ref")
		w.insert("dead-invalid", "TERMINATED", "no such/ref")
		report := w.sweep()
		for _, id := range []string{unknown, invalid, deadInvalid, keep} {
			w.wantState(id, "running")
		}
		if len(report.Left)+len(report.Pending) != 0 {
			w.Errorf("left %+v, pending %+v: what is held by the table is not left undone", report.Left, report.Pending)
		}
		w.log.want(w, 1, `"container":"`+unknown+`"`, `"reason":"StatusUnknown"`, `"action":"hold"`)
		w.log.want(w, 1, `"container":"`+invalid+`"`, `"reason":"ClaimInvalid"`, `"action":"hold"`)
		w.log.want(w, 1, `"container":"`+deadInvalid+`"`, `"reason":"ClaimInvalid"`, `"action":"hold"`)
		w.log.want(w, 1, `"container":"`+keep+`"`, `"reason":"ContainerKept"`, `"action":"hold"`)
	})
}

func TestRowBAKeptContainerOfAnEndedSessionStays(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		kept := w.labels("s1")
		kept[dockerwatch.KeepLabel] = "true"
		id := w.run(testenv.Container{Labels: kept})
		w.insert("s1", "TERMINATED", id)
		w.sweep()
		w.wantRow("s1", "TERMINATED "+id)
		w.wantState(id, "running")
		w.log.want(w, 1, `"session":"s1"`, `"reason":"ContainerKept"`)
	})
}

func TestRowCWhatIsNotLabelledIsOnlyReported(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		_ = w.labels("") // this controller has an installation
		byName := w.run(testenv.Container{})
		byLabel := w.run(testenv.Container{Name: testenv.Name(w.TB, "any-"), Labels: map[string]string{w.label: "nobody"}})
		others := w.labels("nobody")
		others[dockerwatch.InstallationLabel] = "another"
		foreign := w.run(testenv.Container{Name: testenv.Name(w.TB, w.prefix), Labels: others})
		plain := w.run(testenv.Container{Name: testenv.Name(w.TB, "plain-")})
		w.sweep()
		for _, id := range []string{byName, byLabel, foreign, plain} {
			w.wantState(id, "running")
		}
		w.log.want(w, 1, `"container":"`+byName+`"`, `"reason":"ContainerLeaked"`, `"action":"report"`)
		w.log.want(w, 1, `"container":"`+byLabel+`"`, `"reason":"ContainerLeaked"`, `"action":"report"`)
		w.log.want(w, 0, foreign)
		w.log.want(w, 0, plain)

		w.opts.Policy.RemoveLeaked = controllers.RemoveAll
		w.sweep()
		w.wantState(byName, "gone")
		w.wantState(byLabel, "gone")
		w.wantState(foreign, "running")
		w.wantState(plain, "running")
	})
}

func TestRowDTheServerDiedBeforeItSavedTheClaim(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.labelled("s1")
		w.insert("s1", "ACTIVE", nil)
		exited := w.labelled("s2", "/workload", "exit", "3")
		w.insert("s2", "ACTIVE", nil)
		one, two := w.labelled("s3"), w.labelled("s3")
		w.insert("s3", "ACTIVE", nil)
		w.until("the container has exited", func() bool { return w.state(exited) == "exited" })

		w.opts.Policy.AdoptAfter.Duration = time.Hour
		if report := w.sweep(); len(report.Pending) != 1 || report.Pending[0].Session != "s1" {
			w.Errorf("pending: %+v, want s1, which is adopted after its grace", report.Pending)
		}
		w.wantRow("s1", "ACTIVE NULL")

		w.opts.Policy.AdoptAfter.Duration = 0
		w.sweep()
		w.wantRow("s1", "ACTIVE "+id)
		w.wantRow("s2", "ACTIVE NULL")
		w.wantRow("s3", "ACTIVE NULL")
		w.wantState(one, "running")
		w.wantState(two, "running")
		w.wantState(exited, "exited")
		w.log.want(w, 1, `"container":"`+id+`"`, `"action":"adopt"`, `"reason":"ContainerUnrecorded"`, `"session":"s1"`)
		w.log.want(w, 1, `"container":"`+exited+`"`, `"action":"report"`, `"reason":"ContainerUnrecorded"`)
		w.log.want(w, 1, `"container":"`+one+`"`, `"action":"report"`, `"reason":"ContainerUnrecorded"`)
	})
}

func TestRowDASessionThatClaimsSomethingInTheMeantimeIsNotOverwritten(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.labelled("s1")
		w.insert("s1", "ACTIVE", nil)
		other := w.run(testenv.Container{})
		w.sweepWith(w.hooked(once("pin", func() {
			w.serverDoes(`UPDATE sessions SET container_id = $1 WHERE id = 's1'`, other)
		})))
		w.wantRow("s1", "ACTIVE "+other)
		w.wantState(other, "running")
		// What it had started first is superseded now.
		w.wantState(id, "gone")
	})
}

func TestRowEASupersededContainerIsRemoved(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		old, now := w.labelled("s1"), w.labelled("s1")
		w.insert("s1", "ACTIVE", now)
		beside, dead := w.labelled("s2"), w.labelled("s2", "/workload", "exit", "3")
		w.insert("s2", "ACTIVE", dead)
		right, taken := w.labelled("s3"), w.labelled("s4")
		w.insert("s3", "ACTIVE", taken)
		w.until("the container has exited", func() bool { return w.state(dead) == "exited" })

		w.opts.Policy.LeakGrace.Duration, w.opts.Policy.AdoptAfter.Duration = time.Hour, time.Hour
		if report := w.sweep(); len(report.Pending) != 2 {
			w.Errorf("pending: %+v, want the superseded container and the session whose container is replaced", report.Pending)
		}
		w.wantState(old, "running")

		w.opts.Policy.LeakGrace.Duration = 0
		w.sweep()
		w.wantState(old, "gone")
		w.wantState(now, "running")
		w.wantRow("s1", "ACTIVE "+now)
		w.wantState(beside, "running") // its session's own container is dead, so this one may be its next
		w.wantState(right, "running")  // its session claims another's container, so this one may be the right one
		w.log.want(w, 1, `"msg":"Container removed"`, `"container":"`+old+`"`, `"reason":"ContainerSuperseded"`)
		w.log.want(w, 2, `"container":"`+right+`"`, `"action":"report"`, `"reason":"ContainerTaken"`)
	})
}

func TestRowFALeakedContainerIsRemoved(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		w.insert("ended", "TERMINATED", nil)
		running, exited := w.labelled("nobody"), w.labelled("nobody", "/workload", "exit", "3")
		ended := w.labelled("ended")
		created := w.run(testenv.Container{Labels: w.labels("nobody"), NoStart: true})
		w.until("the container has exited", func() bool { return w.state(exited) == "exited" })

		w.opts.Policy.LeakGrace.Duration = time.Hour
		if report := w.sweep(); len(report.Pending) != 4 {
			w.Errorf("pending: %+v, want all four: their claims may be about to be saved", report.Pending)
		}
		w.opts.Policy.LeakGrace.Duration, w.opts.Policy.GoneGrace.Duration = 0, time.Hour
		if report := w.sweep(); len(report.Pending) != 4 {
			w.Errorf("pending: %+v, want all four: a second look is due", report.Pending)
		}
		w.wantState(running, "running")

		w.opts.Policy.GoneGrace.Duration = 0
		w.sweep()
		for _, id := range []string{running, exited, ended, created} {
			w.wantState(id, "gone")
			w.log.want(w, 1, `"msg":"Container removed"`, `"container":"`+id+`"`, `"reason":"ContainerLeaked"`)
		}
	})
}

func TestRowFNothingIsRemovedWhereNothingMayBe(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		leaked, adopted := w.labelled("nobody"), w.labelled("s1")
		w.insert("s1", "ACTIVE", nil)
		w.opts.Policy.RemoveLeaked = controllers.RemoveNone
		w.sweep()
		w.wantState(leaked, "running")
		w.wantRow("s1", "ACTIVE "+adopted)
		w.log.want(w, 1, `"container":"`+leaked+`"`, `"action":"report"`, `"reason":"ContainerLeaked"`)
	})
}

// The row is read again right before each stop and removal.
func TestRowFAClaimThatIsSavedInTheLastMomentSavesTheContainer(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		id := w.labelled("s1")
		looks := 0
		w.sweepWith(w.hooked(hooks{before: func(effect string) error {
			// The second time it is asked who claims the container, a stop is due.
			if effect == "claimants" {
				if looks++; looks == 2 {
					w.insert("s1", "ACTIVE", id)
				}
			}
			return nil
		}}))
		w.wantState(id, "running")
		w.wantRow("s1", "ACTIVE "+id)
	})
}
