package evidence

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// nodes is a table with the rows of several nodes, of which here is served.
type nodes struct{ claimedBy }

func (*nodes) Serves(row sessiondb.Row) bool { return row.Node == "here" }

func webOf(id, name string) dockerwatch.Observation {
	return dockerwatch.Observation{
		ID: id, Name: name, Phase: dockerwatch.Running,
		Labels: map[string]string{"io.session-controller.session": session},
	}
}

// A name is another container's on another node, and where a container was renamed its old name is another one's, too:
// a session that ends must not lose the track of its own to whoever claims that name.
func TestAnotherRowSharesAContainerOnlyWhereItMeansIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason string
		other  sessiondb.Row
		shares bool
	}{
		{"its name, on this node", sessiondb.Row{Node: "here", Claim: "web"}, true},
		{"its name with a slash", sessiondb.Row{Node: "here", Claim: "/web"}, true},
		{"its name, and nobody knows where", sessiondb.Row{NodeNull: true, Claim: "web"}, true},
		{"its id, wherever the row is", sessiondb.Row{Node: "there", Claim: thisID}, true},
		{"a short form of its id", sessiondb.Row{Node: "there", Claim: thisID[:12]}, true},
		{"its name, which is another container's on another node", sessiondb.Row{Node: "there", Claim: "web"}, false},
		{"the name that it had before", sessiondb.Row{Node: "here", Claim: "old"}, false},
	} {
		info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
		row := sessiondb.Row{ID: session, Kind: sessiondb.StatusEnded, Status: "TERMINATED", Claim: "old", Node: "here"}
		tt.other.ID, tt.other.Kind = "other", sessiondb.StatusLive
		c := newLooks(t, Options{
			Store: &nodes{claimedBy{rows: []sessiondb.Row{row, tt.other}, owner: row}}, Policy: verdict.DefaultPolicy(),
			Engine:    byRef{identified{info: info}, map[string]dockerwatch.Observation{thisID: webOf(thisID, "web")}},
			Ownership: dockerwatch.DefaultOwnership(),
		})
		c.SessionTracker.Resolve(session, "old", thisID, time.Now())
		f, err := c.sessions.Look(t.Context(), session)
		if err != nil {
			t.Fatalf("%s: %s", tt.reason, err)
		}
		if f.Container.ID != thisID || (len(f.Others) > 0) != tt.shares {
			t.Errorf("the other row claims %s: of %s the sharers are %v", tt.reason, f.Container.ID, f.Others)
		}
	}
}

// The claim of a live row means what has its name now. What it was seen to mean is not gone though it has another name.
func TestALiveSessionWhoseContainerWasRenamedDoesNotLoseTrackOfIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason string
		claim  string
		seen   map[string]dockerwatch.Observation
		want   string
	}{
		{"it has another name", "web", map[string]dockerwatch.Observation{thisID: webOf(thisID, "old")}, thisID},
		{"it is gone", "web", nil, ""},
		{"another one has the name", "web",
			map[string]dockerwatch.Observation{thisID: webOf(thisID, "old"), "web": webOf(otherID, "web")}, ""},
		{"it is claimed by its id", thisID, nil, ""},
	} {
		info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
		row := sessiondb.Row{ID: session, Kind: sessiondb.StatusLive, Status: "ACTIVE", Claim: tt.claim}
		c := newLooks(t, Options{
			Store: &claimedBy{rows: []sessiondb.Row{row}, owner: row}, Policy: verdict.DefaultPolicy(),
			Engine: byRef{identified{info: info}, tt.seen}, Ownership: dockerwatch.DefaultOwnership(),
		})
		c.SessionTracker.Resolve(session, tt.claim, thisID, time.Now())
		f, err := c.sessions.Look(t.Context(), session)
		if err != nil {
			t.Fatalf("%s: %s", tt.reason, err)
		}
		if f.Renamed.ID != tt.want {
			t.Errorf("%s: renamed %q, want %q", tt.reason, f.Renamed.ID, tt.want)
		}
	}
}
