package controllers

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// The breaker counts at any moment, also between a claim that is cleared and the look at its session.
func TestASweepThatOnlyCountsForgetsNoSession(t *testing.T) {
	t.Parallel()
	info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
	engine := identified{answering{seen: dockerwatch.Observation{Engine: info.Identity()}}, info}
	c := newCore(Options{Store: &claimedBy{}, Engine: engine, Policy: verdict.DefaultPolicy(), Log: logr.Discard()})
	c.memory.bind("s1", thisID, thisID, time.Now())
	if _, err := c.sweeper.run(t.Context(), time.Now(), visitor{}); err != nil {
		t.Fatal(err)
	}
	if len(c.memory.boundTo(thisID)) != 1 {
		t.Error("a count has forgotten what a session meant, and told nobody of its container")
	}
	nominated := visitor{container: func(*dockerwatch.Container) error { return nil }}
	if _, err := c.sweeper.run(t.Context(), time.Now(), nominated); err != nil {
		t.Fatal(err)
	}
	if len(c.memory.boundTo(thisID)) != 0 {
		t.Error("a session that claims nothing is remembered for ever")
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
