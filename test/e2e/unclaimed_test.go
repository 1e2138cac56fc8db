package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// impossible is a table whose ids are numbers: what a label says may be no number at all, and numbers are used again.
type impossible struct{ controllers.SessionStore }

func (s impossible) Get(ctx context.Context, id string) (sessiondb.Row, error) {
	if id == "no number" {
		return sessiondb.Row{}, errors.Join(sessiondb.ErrNotFound, sessiondb.ErrImpossibleID)
	}
	return s.SessionStore.Get(ctx, id)
}

func (impossible) ReusableIDs() bool { return true }

func TestRowBALabelThatIsNoSessionIDIsHeld(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		odd, reused := w.labelled("no number"), w.labelled("7")
		w.insert("7", "ACTIVE", nil)
		w.opts.Store = impossible{w.store}
		w.sweep()
		w.wantState(odd, "running")
		w.wantState(reused, "running")
		w.wantRow("7", "ACTIVE NULL") // it may be the container of an earlier session 7
		w.log.want(w, 1, `"container":"`+odd+`"`, `"reason":"SessionInvalid"`, `"action":"hold"`)
		w.log.want(w, 1, `"container":"`+reused+`"`, `"reason":"ContainerUnrecorded"`, `"action":"report"`)
	})
}

// A few hex digits name no container unless they are a name. What such a claim may mean is not removed, of an ended
// session as little as of a live one.
func TestRowBAClaimTooShortForAnIDHoldsWhatItsSessionOwns(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		live, ended := w.labelled("s1"), w.labelled("s2")
		w.insert("s1", "ACTIVE", live[:8])
		w.insert("s2", "TERMINATED", ended[:8])
		w.sweep()
		for session, id := range map[string]string{"s1": live, "s2": ended} {
			w.wantState(id, "running")
			w.log.want(w, 1, `"container":"`+id+`"`, `"session":"`+session+`"`, `"reason":"ClaimInvalid"`)
		}
	})
}

func TestALeakIsFoundByItsEvent(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		_ = w.labels("")
		w.opts.ResyncPeriod = time.Hour
		w.start(w.engine)
		id := w.labelled("nobody")
		w.until("the container is gone", func() bool { return w.state(id) == "gone" })
	})
}

func TestTheContainerOfADeletedRowIsFoundByTheChange(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		id := w.labelled("s1")
		w.insert("s1", "ACTIVE", id)
		changes := make(feed)
		w.opts.Changes, w.opts.ResyncPeriod = changes, time.Hour
		w.start(deaf{w.engine})
		w.serverDoes(`DELETE FROM sessions WHERE id = 's1'`)
		changes <- "s1"
		w.until("the container is gone", func() bool { return w.state(id) == "gone" })
	})
}

// feed tells of the changes that a test puts in.
type feed chan string

func (f feed) Changes(ctx context.Context, h sessiondb.ChangeHandlers) error {
	h.OnState(sessiondb.ChangeState{Source: sessiondb.SourceNotify, Connected: true})
	for {
		select {
		case id := <-f:
			h.OnChange(id)
		case <-ctx.Done():
			return nil
		}
	}
}

func TestADryRunTouchesNoContainer(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		leaked, unrecorded := w.labelled("nobody"), w.labelled("s1")
		exited := w.labelled("nobody", "/workload", "exit", "3")
		w.until("the container has exited", func() bool { return w.state(exited) == "exited" })
		w.insert("s1", "ACTIVE", nil)
		before := w.everything(leaked, unrecorded, exited)
		w.opts.DryRun = true
		if report := w.sweep(); len(report.Left) != 3 || report.Effects != 0 {
			w.Errorf("left %+v, effects %d, want three and none", report.Left, report.Effects)
		}
		if after := w.everything(leaked, unrecorded, exited); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		w.log.want(w, 3, "Would act, but this is a dry run")
	})
}

func TestRow7ALabelledContainerThatRunsReplacesADeadClaim(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		dead, next := w.labelled("s1", "/workload", "exit", "3"), w.labelled("s1")
		w.insert("s1", "ACTIVE", dead)
		w.insert("s2", "ACTIVE", "f00d"+id60)
		gone := w.labelled("s2")
		w.insert("s3", "ACTIVE", "beef"+id60)
		_, _ = w.labelled("s3"), w.labelled("s3") // nobody can tell which
		w.until("the container has exited", func() bool { return w.state(dead) == "exited" })

		w.opts.Policy.AdoptAfter.Duration = time.Hour
		w.sweep()
		w.wantRow("s1", "ACTIVE "+dead)
		w.wantRow("s3", "ERROR NULL")

		w.opts.Policy.AdoptAfter.Duration = 0
		w.sweep()
		w.wantRow("s1", "ACTIVE "+next)
		w.wantRow("s2", "ACTIVE "+gone)
		w.wantState(dead, "gone") // superseded
		w.log.want(w, 1, `"session":"s1"`, `"action":"adopt"`, `"reason":"ContainerReplaced"`, `"newclaim":"`+next+`"`)
	})
}

// A session's id is data, whatever is in it: in a query, in a filter, in a log line.
func TestSessionIDsThatNeedQuoting(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		odd := []string{`o'hara`, `a=b`, `"quoted" \`, `x'; DROP TABLE sessions; --`, "žluťoučký ☃ %s $1", `{"a":[1]}`}
		adopted, replaced, leaked := map[string]string{}, map[string]string{}, map[string]string{}
		for _, id := range odd {
			adopted[id] = w.labelled(id)
			w.insert(id, "ACTIVE", nil)
			replaced[id] = w.labelled("2" + id)
			w.insert("2"+id, "ACTIVE", "claude-gone")
			// Not started, which takes the time: what is found by its label is removed all the same.
			leaked[id] = w.run(testenv.Container{Name: testenv.Name(w.TB, "any-"), Labels: w.labels("3" + id), NoStart: true})
			w.insert("3"+id, "TERMINATED", nil)
		}
		w.sweep()
		for _, id := range odd {
			w.wantRow(id, "ACTIVE "+adopted[id])
			w.wantRow("2"+id, "ACTIVE "+replaced[id])
			w.wantRow("3"+id, "TERMINATED NULL")
			w.wantState(leaked[id], "gone")
		}
	})
}

// Two installations on one engine have the same name prefix, and each has its own database: what the one knows nothing
// of may be the other's.
func TestTwoInstallationsWithOnePrefix(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		ours := w.labels("s1")
		theirs := w.labels("s1") // they have a session s1, too
		theirs[dockerwatch.InstallationLabel] = "theirs"
		mine := w.run(testenv.Container{Labels: ours})
		w.insert("s1", "ACTIVE", mine)
		live := w.run(testenv.Container{Labels: theirs})
		dead := w.run(testenv.Container{Labels: theirs, Cmd: []string{"/workload", "exit", "3"}})
		unlabelled := w.run(testenv.Container{})
		claimed := w.run(testenv.Container{Labels: theirs})
		w.insert("ended", "TERMINATED", claimed)
		w.until("the container has exited", func() bool { return w.state(dead) == "exited" })
		w.sweep()
		for id, want := range map[string]string{
			mine: "running", live: "running", dead: "exited", unlabelled: "running", claimed: "running",
		} {
			w.wantState(id, want)
		}
		w.wantRow("s1", "ACTIVE "+mine)
		w.wantRow("ended", "TERMINATED NULL") // labelled with another session: released, not removed
	})
}
