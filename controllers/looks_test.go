package controllers

import (
	"strings"
	"testing"
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
