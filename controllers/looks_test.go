package controllers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// A container that is removed and made anew under its name is lost with all others like any of them: that the first one
// was heard to be removed says nothing about the second.
func TestARemovalCountsForTheContainerThatHadTheNameLast(t *testing.T) {
	t.Parallel()
	otherID := strings.Repeat("2", 64)
	for _, tt := range []struct {
		reason, claim string
		remade, gap   bool // since
		heard         bool
	}{
		{"its name, which nothing has got since", "web", false, false, true},
		{"its name, which another one has got since", "/web", true, false, false},
		{"its name, which another one may have got since", "web", false, true, false},
		{"its id, which is never used again", thisID, true, true, true},
	} {
		now := time.Now()
		info := dockerwatch.Info{ID: "A", RootDir: "/", Time: now}
		engine := identified{answering{seen: dockerwatch.Observation{Phase: dockerwatch.Gone, Engine: info.Identity()}}, info}
		row := sessiondb.Row{ID: session, Kind: sessiondb.StatusLive, Status: "ACTIVE", Claim: tt.claim}
		c := newCore(Options{
			Store: &claimedBy{rows: []sessiondb.Row{row}, owner: row}, Engine: engine, Policy: DefaultPolicy(),
			Log: logr.Discard(),
		})
		accept(c.guard, info)
		c.memory.bind(session, tt.claim, thisID)
		c.history.Whole(now)
		c.history.Add(dockerwatch.Event{Action: dockerwatch.ActionDestroy, ID: thisID, Name: "web", Time: now})
		if tt.remade {
			c.history.Add(dockerwatch.Event{Action: dockerwatch.ActionCreate, ID: otherID, Name: "web", Time: now})
		}
		if tt.gap {
			c.history.Whole(now.Add(time.Second))
		}
		f, err := c.looker.look(t.Context(), session)
		if err != nil {
			t.Fatalf("%s: %s", tt.reason, err)
		}
		if !f.SeenBefore || !f.Evidence.DestroyedAt.IsZero() != tt.heard {
			t.Errorf("it claims %s: the removal was heard at %s", tt.reason, f.Evidence.DestroyedAt)
		}
	}
}

// byRef answers for each reference by itself; one that it does not know is gone. While it hangs nothing is answered.
type byRef struct {
	identified

	seen  map[string]dockerwatch.Phase
	hangs bool
}

func (e *byRef) Observe(_ context.Context, ref string) (dockerwatch.Observation, error) {
	if e.hangs {
		return dockerwatch.Observation{}, dockerwatch.ErrTimeout
	}
	phase, there := e.seen[ref]
	if !there {
		return dockerwatch.Observation{Phase: dockerwatch.Gone, Engine: e.info.Identity()}, nil
	}
	return dockerwatch.Observation{ID: ref, Name: "web", Phase: phase, Engine: e.info.Identity()}, nil
}

// interrupted is claimedBy where something happens after a row was read and before the reader has it.
type interrupted struct {
	claimedBy

	during func()
}

func (s *interrupted) Get(ctx context.Context, id string) (sessiondb.Row, error) {
	row, err := s.claimedBy.Get(ctx, id)
	if s.during != nil {
		s.during()
	}
	return row, err
}

// The looks at a session hang while its container is made anew under its name; when they do not any more, the session
// has ended. Found by the simulation: the claim was released, and the new container was nobody's.
func TestAnEndedSessionMeansTheContainerThatWasHeardToGetItsName(t *testing.T) {
	t.Parallel()
	otherID := strings.Repeat("2", 64)
	newOne := map[string]dockerwatch.Phase{otherID: dockerwatch.Running}
	oldOne := map[string]dockerwatch.Phase{thisID: dockerwatch.Running}
	for _, tt := range []struct {
		reason     string
		ended      bool                         // before the new one was heard of
		duringRead bool                         // the new one is heard of while the live row is read
		seen       map[string]dockerwatch.Phase // when the looks do not hang any more
		want       string
	}{
		{"the new one is there", false, false, newOne, otherID},
		{"only the one that a look has shown is there", false, false, oldOne, thisID},
		{"none of the two is", false, false, nil, ""},
		{"the new one was made after the row had ended, perhaps for a revival", true, false, newOne, ""},
		{"the row may have ended between its reading and the making of the new one", false, true, newOne, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
			engine := &byRef{identified: identified{info: info}, hangs: true}
			store := &interrupted{claimedBy: claimedBy{
				owner: sessiondb.Row{ID: session, Kind: sessiondb.StatusLive, Status: "ACTIVE", Claim: "web"},
			}}
			c := newCore(Options{Store: store, Engine: engine, Policy: DefaultPolicy(), Log: logr.Discard()})
			accept(c.guard, info)
			c.history.Whole(time.Now().Add(-time.Hour))
			c.memory.bind(session, "web", thisID)
			end := func() { store.owner.Kind, store.owner.Status = sessiondb.StatusEnded, "TERMINATED" }
			later := func() { <-time.After(time.Second) } // virtual time
			look := func() Facts {
				later()
				f, err := c.looker.look(t.Context(), session)
				if engine.hangs != errors.Is(err, dockerwatch.ErrTimeout) || !engine.hangs && err != nil {
					t.Fatalf("%s: look: %v", tt.reason, err)
				}
				return f
			}
			remade := func() {
				later()
				c.history.Add(dockerwatch.Event{Action: dockerwatch.ActionCreate, ID: otherID, Name: "web", Time: time.Now()})
			}
			if tt.ended {
				end()
			}
			if tt.duringRead {
				store.during = remade
			} else {
				remade()
			}
			look()
			store.during = nil
			end()
			engine.hangs, engine.seen = false, tt.seen
			store.rows = []sessiondb.Row{store.owner}
			if f := look(); f.Container.ID != tt.want {
				t.Errorf("%s: the ended session means %q, want %q", tt.reason, f.Container.ID, tt.want)
			}
			c.guard.checks.wait()
		})
	}
}
