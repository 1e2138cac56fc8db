package controllers

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// A session that claims nothing any more is not remembered for ever, and the sweep that finds that out finds its
// container, too.
func TestASweepForgetsASessionThatClaimsNothing(t *testing.T) {
	t.Parallel()
	l := newLeaking(t)
	l.core.memory.bind("s1", thisID, thisID, time.Now())
	var found nominees
	if _, err := l.core.sweeper.sweep(t.Context(), found.visitor(l.core.memory)); err != nil {
		t.Fatal(err)
	}
	if len(l.core.memory.boundTo(thisID)) != 0 {
		t.Error("it is remembered")
	}
	if len(found.containers) != 1 {
		t.Errorf("%d containers nominated, want the one that it claimed", len(found.containers))
	}
}

// farAway is a database that has none of the rows and takes its time to say so.
type farAway struct {
	SessionStore

	takes time.Duration
}

func (s farAway) Get(context.Context, string) (sessiondb.Row, error) {
	<-time.After(s.takes)
	return sessiondb.Row{}, sessiondb.ErrNotFound
}

// A sweep that takes longer than the pulse allows would be taken for a process that is stuck.
func TestAWrongDatabaseFarAwayIsReadInGoodTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const containers = 10_000
		s := &sweeper{store: farAway{takes: 100 * time.Millisecond}, policy: verdict.DefaultPolicy()}
		began := time.Now()
		n, err := s.rowless(t.Context(), make([]dockerwatch.Owner, containers), verdict.Counts{Owned: containers})
		if err != nil || n != containers {
			t.Errorf("%d are rowless, want all: %v", n, err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("that took %s", took)
		}
	})
}
