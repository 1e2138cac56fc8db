package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

const otherID = "2222222222222222222222222222222222222222222222222222222222222222"

// unclaimed returns the facts of a running, labelled container that is an hour old and has been watched for as long.
func unclaimed(change ...func(*ContainerFacts)) ContainerFacts {
	f := ContainerFacts{
		Container: dockerwatch.Observation{ID: thisID, Phase: dockerwatch.Running, Created: ago(time.Hour)},
		Owner:     dockerwatch.Owner{Owned: true, By: dockerwatch.ByLabel, Labelled: true, Session: session},
		Now:       noon, CauseFor: time.Hour, WatchedFor: time.Minute, Counted: true,
	}
	for _, ch := range change {
		ch(&f)
	}
	return f
}

func ofSession(kind sessiondb.StatusKind, claim string) func(*ContainerFacts) {
	return func(f *ContainerFacts) {
		f.SessionFound, f.Session = true, sessiondb.Row{ID: session, Kind: kind, Claim: claim}
		f.Alone = true
	}
}

func claimedRuns(f *ContainerFacts) {
	f.Claimed = dockerwatch.Observation{ID: otherID, Phase: dockerwatch.Running}
}

func is(phase dockerwatch.Phase) func(*ContainerFacts) {
	return func(f *ContainerFacts) { f.Container.Phase = phase }
}

func onlyOwned(f *ContainerFacts) { f.Owner.Labelled = false }

func TestDecideContainer(t *testing.T) {
	t.Parallel()
	live, ended := sessiondb.StatusLive, sessiondb.StatusEnded
	leaked := Verdict{Action: Stop, Reason: ContainerLeaked}
	tests := []struct {
		reason string
		facts  ContainerFacts
		policy func(*Policy)
		want   Verdict
	}{
		{"b: a failed look is no fact", unclaimed(func(f *ContainerFacts) { f.LookFailed = true }), nil,
			Verdict{Action: Retry, Reason: LookFailed}},
		{"n: gone is gone", unclaimed(is(dockerwatch.Gone)), nil, Verdict{Action: Nothing}},
		{"n: not owned", unclaimed(func(f *ContainerFacts) { f.Owner = dockerwatch.Owner{} }), nil,
			Verdict{Action: Nothing}},
		{"a: claimed by any row", unclaimed(func(f *ContainerFacts) { f.Claimants = make([]sessiondb.Row, 1) }), nil,
			Verdict{Action: Nothing}},
		{"b: kept", unclaimed(func(f *ContainerFacts) { f.Owner.Keep = true }), nil,
			Verdict{Action: Hold, Reason: ContainerKept}},
		{"b: no row can have that id", unclaimed(func(f *ContainerFacts) { f.SessionInvalid = true }), nil,
			Verdict{Action: Hold, Reason: SessionInvalid}},
		{"b: unknown status", unclaimed(ofSession(sessiondb.StatusUnknown, "")), nil,
			Verdict{Action: Hold, Reason: StatusUnknown}},
		{"b: on no known node", unclaimed(ofSession(ended, ""), func(f *ContainerFacts) { f.Session.NodeNull = true }), nil,
			Verdict{Action: Hold, Reason: SessionElsewhere}},
		{"b: impossible claim", unclaimed(ofSession(ended, "?"), func(f *ContainerFacts) { f.ClaimInvalid = true }), nil,
			Verdict{Action: Hold, Reason: ClaimInvalid}},
		{"b: live on another node", unclaimed(ofSession(live, ""), func(f *ContainerFacts) { f.OtherNode = true }), nil,
			Verdict{Action: Hold, Reason: SessionElsewhere}},
		{"c: not labelled", unclaimed(onlyOwned), nil, Verdict{Action: Report, Reason: ContainerLeaked}},
		{"c: not labelled is not adopted either", unclaimed(onlyOwned, ofSession(live, "")), nil,
			Verdict{Action: Report, Reason: ContainerUnrecorded}},
		{"f: what is not labelled is removed by removeLeaked: all",
			unclaimed(onlyOwned), func(p *Policy) { p.RemoveLeaked = RemoveAll }, leaked},
		{"c: labelled, and none is removed", unclaimed(), func(p *Policy) { p.RemoveLeaked = RemoveNone },
			Verdict{Action: Report, Reason: ContainerLeaked}},
		{"d: adopted", unclaimed(ofSession(live, "")), nil, Verdict{Action: Adopt, Reason: ContainerUnrecorded}},
		{"d: adopted where none is removed",
			unclaimed(ofSession(live, "")), func(p *Policy) { p.RemoveLeaked = RemoveNone },
			Verdict{Action: Adopt, Reason: ContainerUnrecorded}},
		{"d: not before its time", unclaimed(ofSession(live, ""), func(f *ContainerFacts) { f.CauseFor = time.Second }), nil,
			Verdict{Action: Adopt, Reason: ContainerUnrecorded, Wait: 59 * time.Second}},
		{"d: one of two", unclaimed(ofSession(live, ""), func(f *ContainerFacts) { f.Alone = false }), nil,
			Verdict{Action: Report, Reason: ContainerUnrecorded}},
		{"d: of an earlier session", unclaimed(ofSession(live, ""), func(f *ContainerFacts) { f.Predates = true }), nil,
			Verdict{Action: Report, Reason: ContainerUnrecorded}},
		{"d: not running", unclaimed(ofSession(live, ""), is(dockerwatch.Exited)), nil,
			Verdict{Action: Report, Reason: ContainerUnrecorded}},
		{"e: superseded", unclaimed(ofSession(live, otherID), claimedRuns), nil,
			Verdict{Action: Stop, Reason: ContainerSuperseded}},
		{"e: young", unclaimed(ofSession(live, otherID), claimedRuns, func(f *ContainerFacts) {
			f.Container.Created, f.CauseFor, f.WatchedFor = ago(time.Minute), 0, 0
		}), nil, Verdict{Action: Stop, Reason: ContainerSuperseded, Wait: time.Minute, Again: 50 * time.Second}},
		{"e: old at first sight, by a clock that may be wrong", unclaimed(ofSession(live, otherID), claimedRuns,
			func(f *ContainerFacts) { f.CauseFor, f.WatchedFor = 0, 0 }),
			nil, Verdict{Action: Stop, Reason: ContainerSuperseded, Wait: 10 * time.Second}},
		{"e: the claimed one does not run", unclaimed(ofSession(live, otherID)), nil, Verdict{Action: Nothing}},
		{"e: the claimed one is another's", unclaimed(ofSession(live, otherID), claimedRuns, func(f *ContainerFacts) {
			f.ClaimedTaken = true
		}), nil, Verdict{Action: Report, Reason: ContainerTaken}},
		{"f: no row", unclaimed(), nil, leaked},
		{"f: ended", unclaimed(ofSession(ended, otherID)), nil, leaked},
		{"f: ended on another node", unclaimed(ofSession(ended, ""), func(f *ContainerFacts) { f.OtherNode = true }), nil,
			leaked},
		{"f: a second look", unclaimed(func(f *ContainerFacts) { f.WatchedFor = time.Second }), nil,
			Verdict{Action: Stop, Reason: ContainerLeaked, Wait: 9 * time.Second}},
		{"f: the last look but one", unclaimed(func(f *ContainerFacts) {
			f.Container.Created, f.CauseFor, f.WatchedFor = ago(110*time.Second), 110*time.Second, 0
		}), nil, Verdict{Action: Stop, Reason: ContainerLeaked, Wait: 10 * time.Second}},
		{"f: a wrong clock delays by one grace at most", unclaimed(func(f *ContainerFacts) {
			f.Container.Created, f.CauseFor, f.WatchedFor = noon.Add(time.Hour), time.Minute, 0
		}), nil, Verdict{Action: Stop, Reason: ContainerLeaked, Wait: time.Minute, Again: 50 * time.Second}},
		{"f: exited", unclaimed(is(dockerwatch.Exited)), nil, Verdict{Action: Remove, Reason: ContainerLeaked}},
		{"f: dead", unclaimed(is(dockerwatch.Dead)), nil, Verdict{Action: RemoveDead, Reason: ContainerLeaked}},
		{"f: being removed", unclaimed(is(dockerwatch.Removing)), nil, Verdict{Action: Retry, Reason: ContainerLeaked}},
		{"c: being removed by whoever it belongs to", unclaimed(is(dockerwatch.Removing), onlyOwned), nil,
			Verdict{Action: Nothing}},
		{"f: the table is empty", unclaimed(func(f *ContainerFacts) { f.TableEmpty = true }), nil,
			Verdict{Action: Hold, Reason: TableEmpty}},
		{"f: no sweep has counted it", unclaimed(func(f *ContainerFacts) { f.Counted = false }), nil,
			Verdict{Action: Retry, Reason: AwaitingSweep}},
		{"e: no sweep has counted it",
			unclaimed(ofSession(live, otherID), claimedRuns, func(f *ContainerFacts) { f.Counted = false }), nil,
			Verdict{Action: Retry, Reason: AwaitingSweep}},
		{"f: none has counted it, and its grace is not over",
			unclaimed(func(f *ContainerFacts) { f.Counted, f.WatchedFor = false, time.Second }), nil,
			Verdict{Action: Stop, Reason: ContainerLeaked, Wait: 9 * time.Second}},
		{"d: what is adopted needs no count",
			unclaimed(ofSession(live, ""), func(f *ContainerFacts) { f.Counted = false }), nil,
			Verdict{Action: Adopt, Reason: ContainerUnrecorded}},
		{"f: the breaker", unclaimed(func(f *ContainerFacts) { f.Tripped = true }), nil,
			Verdict{Action: Hold, Reason: BreakerTripped}},
		{"d: the breaker does not keep a session from its container",
			unclaimed(ofSession(live, ""), func(f *ContainerFacts) { f.Tripped = true }), nil,
			Verdict{Action: Adopt, Reason: ContainerUnrecorded}},
	}
	for _, tt := range tests {
		rule, _, found := strings.Cut(tt.reason, ": ")
		if !found {
			t.Fatalf("%q names no rule", tt.reason)
		}
		tt.want.Rule = rule
		p := DefaultPolicy()
		if tt.policy != nil {
			tt.policy(&p)
		}
		if diff := cmp.Diff(tt.want, DecideContainer(p, tt.facts)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
		}
	}
}

// Whatever the looks say, a container that somebody wants, or may want, is not removed.
func TestDecideContainerRemovesNothingThatIsWanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := anyContainerFacts(t)
		p := DefaultPolicy()
		p.RemoveLeaked = rapid.SampledFrom([]LeakPolicy{RemoveLabelled, RemoveAll, RemoveNone}).Draw(t, "policy")
		v := DecideContainer(p, f)
		if v.Rule == "" {
			t.Fatalf("no rule decided %+v on %+v", v, f)
		}
		if !v.Destroys() {
			return
		}
		live := f.SessionFound && f.Session.Kind == sessiondb.StatusLive
		switch {
		case f.LookFailed, !f.Owner.Owned, f.Owner.Keep, len(f.Claimants) > 0, f.SessionInvalid, f.ClaimInvalid,
			p.RemoveLeaked == RemoveNone, p.RemoveLeaked == RemoveLabelled && !f.Owner.Labelled,
			f.SessionFound && (f.Session.Kind == sessiondb.StatusUnknown || f.Session.NodeNull),
			live && (f.OtherNode || f.ClaimedTaken || f.Claimed.Phase != dockerwatch.Running),
			f.TableEmpty, f.Tripped, v.Due() && !f.Counted:
			t.Fatalf("%+v on %+v", v, f)
		}
	})
}

func anyContainerFacts(t *rapid.T) ContainerFacts {
	yes := func(name string) bool { return rapid.Bool().Draw(t, name) }
	f := ContainerFacts{
		Container: dockerwatch.Observation{ID: thisID, Phase: rapid.SampledFrom([]dockerwatch.Phase{
			dockerwatch.Running, dockerwatch.Paused, dockerwatch.Restarting, dockerwatch.Created, dockerwatch.Exited,
			dockerwatch.Dead, dockerwatch.Removing, dockerwatch.Gone, "",
		}).Draw(t, "phase")},
		Owner:      dockerwatch.Owner{Owned: yes("owned"), Labelled: yes("labelled"), Keep: yes("keep"), Session: session},
		LookFailed: yes("failed"), SessionFound: yes("found"), SessionInvalid: yes("invalid"), OtherNode: yes("other node"),
		ClaimInvalid: yes("claim invalid"), ClaimedTaken: yes("taken"), Alone: yes("alone"), Predates: yes("predates"),
		TableEmpty: yes("empty"), Tripped: yes("tripped"), Counted: yes("counted"), Now: noon,
		CauseFor:   time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "for")),
		WatchedFor: time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "watched")),
	}
	f.Session.Kind = rapid.SampledFrom([]sessiondb.StatusKind{
		sessiondb.StatusLive, sessiondb.StatusEnded, sessiondb.StatusUnknown,
	}).Draw(t, "kind")
	f.Session.NodeNull = yes("no node")
	if yes("claims") {
		f.Session.Claim = otherID
		f.Claimed.Phase = rapid.SampledFrom([]dockerwatch.Phase{
			dockerwatch.Running, dockerwatch.Exited, dockerwatch.Gone,
		}).Draw(t, "claimed")
	}
	if yes("claimed") {
		f.Claimants = make([]sessiondb.Row, 1)
	}
	return f
}
