package evidence

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// saw is what a look at a live row saw that began then. An exited container is another cause than a gone one.
func saw(claim string, phase dockerwatch.Phase, began time.Time) verdict.SessionFacts {
	f := verdict.SessionFacts{
		Row:       sessiondb.Row{ID: "s1", Kind: sessiondb.StatusLive, Claim: claim},
		Container: dockerwatch.Observation{Phase: phase}, Began: began,
	}
	if phase != dockerwatch.Gone {
		f.Container.ID = thisID
	}
	return f
}

// lookAt is a look that begins then: it returns for how long the claim and the cause had been in sight, and records
// them.
func lookAt(
	m *SessionTracker, key verdict.SessionKey, claim string, phase dockerwatch.Phase, began time.Time,
) (claimedFor, causeFor time.Duration) {
	f := saw(claim, phase, began)
	before := m.past(key, claim, true)
	m.Record(key, f)
	return before.claimedFor(began), before.causeFor(f.Cause(), began)
}

func TestTheTrackerWaitsForACauseAndForgetsWithTheClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewSessionTracker()
		want := func(claim string, phase dockerwatch.Phase, claimedFor, causeFor time.Duration, reason string) {
			t.Helper()
			if c, d := lookAt(m, "s1", claim, phase, time.Now()); c != claimedFor || d != causeFor {
				t.Errorf("%s: claimed for %s and caused for %s, want %s and %s", reason, c, d, claimedFor, causeFor)
			}
		}
		want("n", dockerwatch.Gone, 0, 0, "the first sight begins every wait")
		<-time.After(3 * time.Second) // virtual time
		want("n", dockerwatch.Gone, 3*time.Second, 3*time.Second, "the same cause goes on")
		<-time.After(2 * time.Second) // virtual time
		want("n", dockerwatch.Running, 5*time.Second, 0, "another cause begins its own wait")
		<-time.After(time.Second) // virtual time
		want("n", dockerwatch.Gone, 6*time.Second, 0, "a cause that comes back begins again: it was away in between")
		<-time.After(time.Second) // virtual time
		want("other", dockerwatch.Gone, 0, 0, "another claim makes everything new")
	})
}

func TestTheTrackerKnowsWhatAClaimMeant(t *testing.T) {
	t.Parallel()
	m := NewSessionTracker()
	want := func(reason string, key verdict.SessionKey, claim string, live bool, container string) {
		t.Helper()
		if got := m.past(key, claim, live).container; got != container {
			t.Errorf("%s: it means %q, want %q", reason, got, container)
		}
	}
	m.Resolve("s1", "n", thisID, time.Now())
	want("a live row means the container that it was seen with", "s1", "n", true, thisID)
	want("another session's claim may be saved ahead of another container", "s2", "n", true, "")
	m.Ended("s1", "n")
	want("an ended row still means it, whoever has the name by now", "s1", "n", false, thisID)
	want("a revived one does not", "s1", "n", true, "")
	lookAt(m, "s1", "n", dockerwatch.Gone, time.Now())
	want("and does not when it ends again", "s1", "n", false, "")
	m.Resolve("s1", "n", thisID, time.Now())
	want("another claim of the session means something else", "s1", "other", true, "")
	m.Resolve("s1", "n", thisID, time.Now())
	m.Forget("s1")
	want("a session that claimed nothing in between begins anew", "s1", "n", true, "")
}

func TestTheTrackerFindsTheSessionsOfAContainer(t *testing.T) {
	t.Parallel()
	m := NewSessionTracker()
	want := func(reason string, keys ...verdict.SessionKey) {
		t.Helper()
		got := m.SessionsOf(thisID)
		slices.Sort(got)
		if diff := cmp.Diff(keys, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reason, diff)
		}
	}
	m.Resolve("s1", "n", thisID, time.Now())
	m.Resolve("s2", thisID, thisID, time.Now())
	want("two sessions may share a container", "s1", "s2")
	m.Resolve("s1", "n", "another", time.Now())
	want("one that means another container is not among them", "s2")
	lookAt(m, "s2", "other claim", dockerwatch.Gone, time.Now())
	want("nor one that claims something else")
	if len(m.byContainer) != 1 {
		t.Errorf("%d containers are remembered, want the one that is meant: memory would grow", len(m.byContainer))
	}
}

func TestTheTrackerSaysNothingTwice(t *testing.T) {
	t.Parallel()
	m := NewSessionTracker()
	for _, tt := range []struct {
		reason, claim, text string
		news                bool
	}{
		{"the first time is news", "n", "foreign", true},
		{"the second is not", "n", "foreign", false},
		{"something else is", "n", "taken", true},
		{"and then the first again", "n", "foreign", true},
		{"a new claim makes everything news", "m", "foreign", true},
	} {
		if got := m.ShouldLog("s1", tt.claim, tt.text); got != tt.news {
			t.Errorf("%s: got %t", tt.reason, got)
		}
		if !m.Logged("s1", tt.claim, tt.text) {
			t.Errorf("%s: not remembered", tt.reason)
		}
	}
}

func TestTheTrackerDropsSessionsThatNoSweepMeets(t *testing.T) {
	t.Parallel()
	m := NewSessionTracker()
	m.Resolve("stays", "n", thisID, time.Now())
	m.Resolve("leaves", "n", thisID, time.Now())
	m.BeginSweep()
	m.Keep("stays")
	m.Resolve("new", "n", thisID, time.Now())
	m.EndSweep()
	for key, want := range map[verdict.SessionKey]bool{
		"stays":  true,  // the sweep met it
		"leaves": false, // memory would grow with every session that ever was
		"new":    true,  // it was first looked at while the sweep was under way
	} {
		if _, got := m.sessions[key]; got != want {
			t.Errorf("session %s is remembered: %t, want %t", key, got, want)
		}
	}
}

func TestTheTrackerOfAHealthySessionWaitsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewSessionTracker()
		lookAt(m, "gone", "n", dockerwatch.Gone, time.Now())
		lookAt(m, "looping", "n", dockerwatch.Restarting, time.Now())
		<-time.After(time.Hour) // virtual time
		m.MetHealthy("gone", "n")
		m.MetHealthy("looping", "n")
		if _, d := lookAt(m, "gone", "n", dockerwatch.Gone, time.Now()); d != 0 {
			t.Errorf("gone for %s, want a new wait: it was there in between", d)
		}
		if _, d := lookAt(m, "looping", "n", dockerwatch.Restarting, time.Now()); d != time.Hour {
			t.Errorf("looping for %s, want an hour: a snapshot between two restarts proves nothing", d)
		}
	})
}

func TestTheTrackerOutlivesAFailedLook(t *testing.T) {
	t.Parallel()
	m := NewSessionTracker()
	m.Resolve("s1", "n", thisID, time.Now())
	if !m.ShouldLogFailure("s1", "the database is away") || m.ShouldLogFailure("s1", "the database is away") {
		t.Error("a failure is news once")
	}
	if m.past("s1", "n", true).container != thisID {
		t.Error("a failed look took away what was known")
	}
	if !m.ShouldLogFailure("nobody", "x") || len(m.sessions) != 1 {
		t.Error("a failure of a session that was never seen is not remembered")
	}
}

func TestTheTrackerIsSureOfANameThatWasClaimedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewSessionTracker()
		want := func(reason string, sure bool) {
			t.Helper()
			if got := m.ClaimedBefore("s1", "n", time.Now()); got != sure {
				t.Errorf("%s: sure %t, want %t", reason, got, sure)
			}
		}
		want("a claim that was never seen", false)
		m.MetHealthy("s1", "n")
		want("one that is first seen now may be younger than the list", false)
		<-time.After(time.Second) // virtual time
		want("one that was seen before the list is not", true)
		m.Ended("s1", "n")
		want("one of a session that ended since", false)
		m.MetHealthy("s1", "n")
		want("nor that of one that was revived since", false)
		<-time.After(time.Second)
		want("until it was seen before the list again", true)
		m.Resolve("s1", "n", thisID, time.Now())
		want("one that a look has seen to mean something since the list", false)
	})
}

func TestTheTrackerTakesNoGraceForTheRestOfALook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewSessionTracker()
		lookAt(m, "s1", "n", dockerwatch.Exited, time.Now())
		<-time.After(3 * time.Second) // virtual time
		began := time.Now()
		<-time.After(2 * time.Second) // a slow list after the inspect
		claimed, cause := lookAt(m, "s1", "n", dockerwatch.Exited, began)
		if claimed != 3*time.Second || cause != 3*time.Second {
			t.Errorf("claimed for %s, odd for %s; want the 3 s until the look began", claimed, cause)
		}
		if claimed, cause = lookAt(m, "s2", "n", dockerwatch.Exited, began); claimed != 0 || cause != 0 {
			t.Errorf("at first sight it is claimed for %s, odd for %s", claimed, cause)
		}
	})
}

func TestTheTrackerGivesARevivedSessionItsGraceAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := NewSessionTracker()
		lookAt(m, "s1", "n", dockerwatch.Gone, time.Now())
		<-time.After(29 * time.Second) // virtual time
		m.Ended("s1", "n")
		if m.past("s1", "n", true).container != "" {
			t.Error("it means something")
		}
		if _, cause := lookAt(m, "s1", "n", dockerwatch.Gone, time.Now()); cause != 0 {
			t.Errorf("gone for %s: that was in its former life", cause)
		}
	})
}
