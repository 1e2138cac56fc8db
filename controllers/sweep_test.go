package controllers

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// claiming is a table of some rows.
type claiming struct {
	SessionStore

	rows []sessiondb.Row
}

func (s claiming) Claiming(context.Context) iter.Seq2[sessiondb.Row, error] {
	return func(yield func(sessiondb.Row, error) bool) {
		for _, row := range s.rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// sweptOnce returns a core and what one sweep of it found: of an engine with one owned container, and these rows.
func sweptOnce(t *testing.T, prepare func(*core), rows ...sessiondb.Row) (*core, sweep.Nominees) {
	t.Helper()
	info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
	c := newCore(Options{
		Store: claiming{rows: rows}, Policy: verdict.DefaultPolicy(), Log: logr.Discard(),
		Ownership: dockerwatch.Ownership{Label: "session", Installation: "here"},
		Engine: listing{identified{info: info}, []dockerwatch.Container{{
			ID: thisID, Names: []string{"web"}, Phase: dockerwatch.Running,
			Labels: map[string]string{"session": session, "io.session-controller.installation": "here"},
		}}},
	})
	prepare(c)
	var found sweep.Nominees
	if _, err := c.sweeper.Sweep(t.Context(), found.Callbacks(c.sessionTracker)); err != nil {
		t.Fatal(err)
	}
	return c, found
}

// A session that claims nothing any more is not remembered for ever, and the sweep that finds that out finds its
// container, too.
func TestASweepForgetsASessionThatClaimsNothing(t *testing.T) {
	t.Parallel()
	c, found := sweptOnce(t, func(c *core) { c.sessionTracker.Resolve("gone", thisID, thisID, time.Now()) })
	if len(c.sessionTracker.SessionsOf(thisID)) != 0 {
		t.Error("it is remembered")
	}
	if len(found.Containers) != 1 {
		t.Errorf("%d containers nominated, want the one that it claimed", len(found.Containers))
	}
}

// unclaimed is what a look saw of the container while no row claimed it.
func unclaimed() verdict.ContainerFacts {
	return verdict.ContainerFacts{
		Container: dockerwatch.Observation{ID: thisID, Phase: dockerwatch.Running}, Owner: dockerwatch.Owner{Owned: true},
	}
}

// seenUnclaimed records a look that saw no claim of the container, so that what is said of it is remembered.
func seenUnclaimed(c *core) {
	c.containerTracker.Record(thisID, unclaimed(), c.Policy)
	c.containerTracker.ShouldLog(thisID, "leaked")
}

// isKnown reports whether what was said of the container is still remembered.
func isKnown(c *core) bool { return !c.containerTracker.ShouldLog(thisID, "leaked") }

// What is met claimed, by a sweep or by a look at the session, has to be watched from the beginning when it loses its
// claim again.
func TestAContainerThatIsClaimedIsForgotten(t *testing.T) {
	t.Parallel()
	if c, _ := sweptOnce(t, seenUnclaimed); !isKnown(c) {
		t.Error("a container that no row claims is forgotten")
	}
	row := sessiondb.Row{ID: "s1", Kind: sessiondb.StatusLive, Claim: thisID}
	if c, _ := sweptOnce(t, seenUnclaimed, row); isKnown(c) {
		t.Error("one that a sweep met claimed is remembered as one without a claim")
	}
	c, _ := sweptOnce(t, seenUnclaimed)
	facts := verdict.SessionFacts{Row: row, Container: dockerwatch.Observation{ID: thisID}}
	if err := c.sessionReconciler(noQueue{}, nil).subject.record(t.Context(), "s1", facts); err != nil {
		t.Fatal(err)
	}
	if isKnown(c) {
		t.Error("one that a look met claimed is remembered as one without a claim")
	}
}
