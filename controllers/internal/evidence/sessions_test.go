package evidence

import (
	"context"
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// A container that is removed and made anew under its name is lost with all others like any of them: that the first one
// was heard to be removed says nothing about the second.
func TestARemovalCountsForTheContainerThatHadTheNameLast(t *testing.T) {
	t.Parallel()
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
		engine := identified{dockerwatch.Observation{Phase: dockerwatch.Gone, Engine: info.Identity()}, info}
		row := sessiondb.Row{ID: session, Kind: sessiondb.StatusLive, Status: "ACTIVE", Claim: tt.claim}
		c := newLooks(t, Options{
			Store: &claimedBy{rows: []sessiondb.Row{row}, owner: row}, Engine: engine, Policy: verdict.DefaultPolicy(),
		})
		c.SessionTracker.Resolve(session, tt.claim, thisID, time.Now())
		c.events.Whole(now)
		c.events.Add(dockerwatch.Event{Action: dockerwatch.ActionDestroy, ID: thisID, Name: "web", Time: now})
		if tt.remade {
			c.events.Add(dockerwatch.Event{Action: dockerwatch.ActionCreate, ID: otherID, Name: "web", Time: now})
		}
		if tt.gap {
			c.events.Whole(now.Add(time.Second))
		}
		f, err := c.sessions.Look(t.Context(), session)
		if err != nil {
			t.Fatalf("%s: %s", tt.reason, err)
		}
		if !f.SeenBefore || !f.Evidence.DestroyedAt.IsZero() != tt.heard {
			t.Errorf("it claims %s: the removal was heard at %s", tt.reason, f.Evidence.DestroyedAt)
		}
	}
}

// byRef answers for each reference by itself; one that it does not know is gone.
type byRef struct {
	identified

	seen map[string]dockerwatch.Observation
}

func (e byRef) Observe(_ context.Context, ref string) (dockerwatch.Observation, error) {
	c, there := e.seen[ref]
	if !there {
		c.Phase = dockerwatch.Gone
	}
	c.Engine = e.info.Identity()
	return c, nil
}

// The looks at a session fail while its container is made anew under its name; when they do not any more, the session
// has ended. Found by the simulation: the claim was released, and the new container was nobody's.
func TestAnEndedSessionKeepsItsClaimForWhatWasMadeAnewUnderItsName(t *testing.T) {
	t.Parallel()
	named := func(id, owner string) dockerwatch.Observation {
		return dockerwatch.Observation{
			ID: id, Name: "web", Phase: dockerwatch.Running,
			Labels: map[string]string{"io.session-controller.session": owner},
		}
	}
	for _, tt := range []struct {
		reason string
		claim  string
		seen   map[string]dockerwatch.Observation
		want   string
		remade bool
	}{
		{"the first one is there, whoever has the name", "web", map[string]dockerwatch.Observation{
			thisID: named(thisID, session), "web": named(otherID, session),
		}, thisID, false},
		{"another one of the session's has the name", "web",
			map[string]dockerwatch.Observation{"web": named(otherID, session)}, otherID, true},
		{"one of another session has the name", "web",
			map[string]dockerwatch.Observation{"web": named(otherID, "another")}, "", false},
		{"one of nobody has the name: it may have been made while the row was live", "web",
			map[string]dockerwatch.Observation{"web": named(otherID, "")}, otherID, false},
		{"the first one is back: another engine had answered", "web",
			map[string]dockerwatch.Observation{"web": named(thisID, session)}, thisID, false},
		{"nothing has the name", "web", nil, "", false},
		{"it is claimed by its id, which means no other one", thisID,
			map[string]dockerwatch.Observation{"web": named(otherID, session)}, "", false},
	} {
		info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
		row := sessiondb.Row{ID: session, Kind: sessiondb.StatusEnded, Status: "TERMINATED", Claim: tt.claim}
		c := newLooks(t, Options{
			Store: &claimedBy{rows: []sessiondb.Row{row}, owner: row}, Policy: verdict.DefaultPolicy(),
			Engine: byRef{identified{info: info}, tt.seen}, Ownership: dockerwatch.DefaultOwnership(),
		})
		c.SessionTracker.Resolve(session, tt.claim, thisID, time.Now())
		f, err := c.sessions.Look(t.Context(), session)
		if err != nil {
			t.Fatalf("%s: %s", tt.reason, err)
		}
		if f.Container.ID != tt.want || f.NameReused != tt.remade {
			t.Errorf("%s: it means %q, made anew %t; want %q, %t", tt.reason, f.Container.ID, f.NameReused, tt.want, tt.remade)
		}
	}
}
