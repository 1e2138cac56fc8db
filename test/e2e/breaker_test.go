package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

func TestTheBreakerHoldsSessionsThatAreGoneTogether(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Policy.Breaker = controllers.BreakerPolicy{MaxFraction: 0.5, MinSessions: 10}
		w.opts.Policy.Breaker.Hold.Duration = time.Hour
		id := w.run(testenv.Container{})
		for n := range 5 {
			w.insert(fmt.Sprintf("live-%d", n), "ACTIVE", id)
			w.insert(fmt.Sprintf("gone-%d", n), "ACTIVE", fmt.Sprintf("f00%d", n)+id60)
		}
		w.sweep() // exactly half is not too many
		w.wantRow("gone-0", "ERROR NULL")

		for n := range 6 {
			w.insert(fmt.Sprintf("more-%d", n), "ACTIVE", fmt.Sprintf("f00%d", n)+id60)
		}
		before := w.everything(id)
		if report := w.sweep(); len(report.Pending) != 6 {
			w.Errorf("pending: %+v, want all six", report.Pending)
		}
		if after := w.everything(id); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		w.log.want(w, 1, "Breaker tripped", `"live":11`, `"gone":6`)

		w.opts.Policy.Breaker.Hold.Duration = time.Second
		w.sweep() // a rebooted host converges after the hold
		for n := range 6 {
			w.wantRow(fmt.Sprintf("more-%d", n), "ERROR NULL")
		}
		w.wantRow("live-0", "ACTIVE "+id)
	})
}

// After every connection of the event stream what was counted before is worth nothing.
func TestTheBreakerCountsAnewAfterAReconnection(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Policy.Breaker = controllers.BreakerPolicy{MaxFraction: 0.5, MinSessions: 3}
		w.opts.Policy.Breaker.Hold.Duration = time.Hour
		w.opts.ResyncPeriod = time.Hour
		ids := []string{w.run(testenv.Container{}), w.run(testenv.Container{}), w.run(testenv.Container{})}
		for n, id := range ids {
			w.insert(fmt.Sprint("s", n), "ACTIVE", id)
		}
		stream := w.startDeaf()
		before := w.everything()
		for _, id := range ids {
			removeForced(w, id) // unheard
		}
		stream.breaks <- struct{}{}
		w.until("the breaker trips", func() bool { return len(w.log.with("Breaker tripped")) == 1 })
		for n := range ids {
			w.until("each was looked at", func() bool {
				return len(w.log.with("Waiting for grace period", fmt.Sprintf(`"session":"s%d"`, n))) > 0
			})
		}
		if after := w.everything(); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

func TestTheBreakerKeepsContainersThatLostTheirRowsTogether(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Policy.Breaker = controllers.BreakerPolicy{MaxFraction: 0.5, MinSessions: 3}
		w.somebody()
		ids := []string{w.labelled("s1"), w.labelled("s2"), w.labelled("s3")}
		w.insert("s1", "ACTIVE", ids[0])
		report := w.sweep()
		for _, id := range ids {
			w.wantState(id, "running")
		}
		if len(report.Left) != 2 {
			w.Errorf("left: %+v, want the two: somebody must look into it", report.Left)
		}
		plan, err := controllers.MakePlan(w.Context(), w.opts, nil)
		if err != nil || !plan.Drift() || len(plan.Containers) != 2 {
			w.Errorf("planned %+v, %v", plan.Containers, err)
		}
		w.log.want(w, 2, "Breaker tripped") // by the sweep and by the plan

		w.opts.AcceptLeaks = true
		w.sweep()
		w.wantState(ids[0], "running")
		w.wantState(ids[1], "gone")
		w.wantState(ids[2], "gone")
	})
}

// TestWhatIsHeldIsNoDriftOnceARowClaimsIt is about the figures: what is held is looked at for sweeps alone, and a sweep
// that meets it claimed asks for no look.
func TestWhatIsHeldIsNoDriftOnceARowClaimsIt(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Policy.Breaker = controllers.BreakerPolicy{MaxFraction: 0.5, MinSessions: 3}
		w.opts.ResyncPeriod = time.Second
		w.somebody()
		ids := []string{w.labelled("s1"), w.labelled("s2"), w.labelled("s3"), w.labelled("s4")}
		c, _ := w.launch(w.engine)
		held := func(n int) func() bool {
			return func() bool { return c.Status().Open[controllers.BreakerTripped] == n }
		}
		w.until("all are held", held(4))
		w.insert("s1", "ACTIVE", ids[0])
		w.until("one that has its row again is held no longer", held(3))
		removeForced(w, ids[1])
		w.until("nor is one that is gone", held(2))
		w.wantState(ids[2], "running")
		w.wantState(ids[3], "running")
	})
}

func TestNothingIsLeakedWhereTheTableIsEmpty(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		id := w.labelled("nobody")
		if report := w.sweep(); len(report.Left) != 1 {
			w.Errorf("left: %+v, want the container", report.Left)
		}
		w.wantState(id, "running")
		w.log.want(w, 1, `"container":"`+id+`"`, `"reason":"TableEmpty"`)
		w.somebody()
		w.sweep()
		w.wantState(id, "gone")
	})
}

// unreadable is a store whose rows cannot be read once the sweep is done.
type unreadable struct{ controllers.SessionStore }

func (unreadable) Get(context.Context, string) (sessiondb.Row, error) {
	return sessiondb.Row{}, fmt.Errorf("read: %w", sessiondb.ErrUnreachable)
}

func TestAContainerIsNotLeakedWhereItsRowCannotBeRead(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		id := w.labelled("nobody")
		w.opts.Store = unreadable{w.store}
		report, err := controllers.SweepOnce(w.Context(), w.opts, enough, nil)
		if err != nil || len(report.Failed) != 1 || !errors.Is(report.Failed[0].Err, sessiondb.ErrUnreachable) {
			w.Errorf("failed %+v, %v", report.Failed, err)
		}
		w.wantState(id, "running")
	})
}
