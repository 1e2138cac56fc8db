package controllers

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// claimedBy is a table of sessions that claim one container or none.
type claimedBy struct {
	SessionStore

	rows []sessiondb.Row
	// owner is the row of the container's own session; none where it has no id.
	owner sessiondb.Row
}

func (s *claimedBy) Claimants(context.Context, []string) ([]sessiondb.Row, error) { return s.rows, nil }

func (s *claimedBy) Get(context.Context, string) (sessiondb.Row, error) {
	if s.owner.ID == "" {
		return sessiondb.Row{}, sessiondb.ErrNotFound
	}
	return s.owner, nil
}

func (s *claimedBy) Serves(sessiondb.Row) bool { return true }

func (s *claimedBy) HasRows(context.Context) (bool, error) { return true, nil }

func (s *claimedBy) Claiming(context.Context) iter.Seq2[sessiondb.Row, error] {
	return func(yield func(sessiondb.Row, error) bool) {
		for _, row := range s.rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// A container is seen before its claim is saved, and next when its grace is over. In between a row has claimed it, and
// was lost just now.
func TestALeakIsWatchedToTheEndOfItsGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
		p, store := DefaultPolicy(), &claimedBy{}
		engine := identified{answering{seen: dockerwatch.Observation{
			ID: thisID, Name: "web", Phase: dockerwatch.Running, Created: time.Now(), Engine: info.Identity(),
			Labels: map[string]string{"session": session, "io.session-controller.installation": "here"},
		}}, info}
		c := newCore(Options{
			Store: store, Engine: engine, Policy: p, Log: logr.Discard(),
			Ownership: dockerwatch.Ownership{Label: "session", Installation: "here"},
		})
		c.guard.accept(info.Identity())
		look := func(when string, wait, again time.Duration, due bool) {
			t.Helper()
			f, err := c.containerLooker.look(t.Context(), thisID)
			v := DecideContainer(p, f)
			if err != nil || v.Reason != ContainerLeaked || v.Wait != wait || v.Again != again || v.Due() != due {
				t.Errorf("%s: %+v, %v", when, v, err)
			}
		}
		leak, gone := p.LeakGrace.Duration, p.GoneGrace.Duration
		look("at first", leak, leak-gone, false)
		time.Sleep(leak) //nolint:forbidigo // virtual time
		look("after leakGrace without a look", gone, 0, false)
		time.Sleep(gone) //nolint:forbidigo // virtual time
		look("after a second look", 0, 0, true)
		store.rows = []sessiondb.Row{{ID: "other", Kind: sessiondb.StatusLive, Claim: thisID}}
		if _, err := c.containerLooker.look(t.Context(), thisID); err != nil {
			t.Error(err)
		}
		store.rows = nil
		look("after a claim that a look saw", leak, leak-gone, false)
		store.owner = sessiondb.Row{ID: session, Kind: sessiondb.StatusEnded, Claim: "no/claim"}
		for range 2 {
			if _, err := c.containerLooker.look(t.Context(), thisID); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		}
		store.owner.Claim, store.owner.NodeNull = "", true
		if _, err := c.containerLooker.look(t.Context(), thisID); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		store.owner.NodeNull = false
		look("after a time in which it was left alone", gone, 0, false)
	})
}

// What a sweep meets claimed has to be watched from the beginning.
func TestASweepForgetsSinceWhenAClaimedContainerWasWithoutOne(t *testing.T) {
	t.Parallel()
	info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
	engine := listing{
		identified{answering{seen: dockerwatch.Observation{Engine: info.Identity()}}, info},
		[]dockerwatch.Container{{ID: thisID, Phase: dockerwatch.Running}},
	}
	store := &claimedBy{rows: []sessiondb.Row{{ID: "s1", Kind: sessiondb.StatusLive, Claim: thisID}}}
	c := newCore(Options{Store: store, Engine: engine, Policy: DefaultPolicy(), Log: logr.Discard()})
	first := c.containerLooker.memory.observe(thisID, "over")
	if _, err := c.sweeper.run(t.Context(), time.Now(), visitor{}); err != nil {
		t.Fatal(err)
	}
	if again := c.containerLooker.memory.observe(thisID, "over"); !again.After(first) {
		t.Error("a container that has lost its claim since counts as without one for longer")
	}
}

// listing is an engine that lists something.
type listing struct {
	identified

	containers []dockerwatch.Container
}

func (l listing) List(context.Context) (dockerwatch.Listing, error) {
	return dockerwatch.Listing{Engine: l.seen.Engine, Containers: l.containers}, nil
}
