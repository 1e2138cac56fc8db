package controllers

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

func TestMemoryWaitsForACauseAndForgetsWithTheClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		want := func(claim, cause string, claimedFor, causeFor time.Duration, reason string) {
			t.Helper()
			if c, d := m.observe("s1", claim, cause, time.Now()); c != claimedFor || d != causeFor {
				t.Errorf("%s: claimed for %s and caused for %s, want %s and %s", reason, c, d, claimedFor, causeFor)
			}
		}
		want("n", "gone", 0, 0, "the first sight begins every wait")
		<-time.After(3 * time.Second) // virtual time
		want("n", "gone", 3*time.Second, 3*time.Second, "the same cause goes on")
		<-time.After(2 * time.Second) // virtual time
		want("n", "running", 5*time.Second, 0, "another cause begins its own wait")
		<-time.After(time.Second) // virtual time
		want("n", "gone", 6*time.Second, 0, "a cause that comes back begins again: it was away in between")
		<-time.After(time.Second) // virtual time
		want("other", "gone", 0, 0, "another claim makes everything new")
	})
}

func TestMemoryKnowsWhatAClaimMeant(t *testing.T) {
	t.Parallel()
	m := newMemory()
	want := func(reason string, key verdict.SessionKey, claim string, live bool, container string) {
		t.Helper()
		if got := m.meant(key, claim, live); got != container {
			t.Errorf("%s: it means %q, want %q", reason, got, container)
		}
	}
	m.bind("s1", "n", thisID, time.Now())
	want("a live row means the container that it was seen with", "s1", "n", true, thisID)
	want("another session's claim may be saved ahead of another container", "s2", "n", true, "")
	m.ended("s1", "n")
	want("an ended row still means it, whoever has the name by now", "s1", "n", false, thisID)
	want("a revived one does not", "s1", "n", true, "")
	want("and does not when it ends again", "s1", "n", false, "")
	m.bind("s1", "n", thisID, time.Now())
	want("another claim of the session means something else", "s1", "other", true, "")
	m.bind("s1", "n", thisID, time.Now())
	m.forget("s1")
	want("a session that claimed nothing in between begins anew", "s1", "n", true, "")
}

func TestMemoryFindsTheSessionsOfAContainer(t *testing.T) {
	t.Parallel()
	m := newMemory()
	want := func(reason string, keys ...SessionKey) {
		t.Helper()
		got := m.boundTo(thisID)
		slices.Sort(got)
		if diff := cmp.Diff(keys, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reason, diff)
		}
	}
	m.bind("s1", "n", thisID, time.Now())
	m.bind("s2", thisID, thisID, time.Now())
	want("two sessions may share a container", "s1", "s2")
	m.bind("s1", "n", "another", time.Now())
	want("one that means another container is not among them", "s2")
	m.observe("s2", "other claim", "cause", time.Now())
	want("nor one that claims something else")
	if len(m.meaning) != 1 {
		t.Errorf("%d containers are remembered, want the one that is meant: memory would grow", len(m.meaning))
	}
}

func TestMemorySaysNothingTwice(t *testing.T) {
	t.Parallel()
	m := newMemory()
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
		if got := m.say("s1", tt.claim, tt.text); got != tt.news {
			t.Errorf("%s: got %t", tt.reason, got)
		}
		if !m.hasSaid("s1", tt.claim, tt.text) {
			t.Errorf("%s: not remembered", tt.reason)
		}
	}
}

func TestMemoryDropsSessionsThatNoSweepMeets(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.bind("stays", "n", thisID, time.Now())
	m.bind("leaves", "n", thisID, time.Now())
	m.nextRound()
	m.keep("stays")
	m.bind("new", "n", thisID, time.Now())
	m.prune()
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

func TestMemoryOfAHealthySessionWaitsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.observe("gone", "n", "gone", time.Now())
		m.observe("looping", "n", verdict.CauseLooping, time.Now())
		<-time.After(time.Hour) // virtual time
		m.metHealthy("gone", "n")
		m.metHealthy("looping", "n")
		if _, d := m.observe("gone", "n", "gone", time.Now()); d != 0 {
			t.Errorf("gone for %s, want a new wait: it was there in between", d)
		}
		if _, d := m.observe("looping", "n", verdict.CauseLooping, time.Now()); d != time.Hour {
			t.Errorf("looping for %s, want an hour: a snapshot between two restarts proves nothing", d)
		}
	})
}

func TestMemoryOutlivesAFailedLook(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.bind("s1", "n", thisID, time.Now())
	if !m.complain("s1", "the database is away") || m.complain("s1", "the database is away") {
		t.Error("a failure is news once")
	}
	if m.meant("s1", "n", true) != thisID {
		t.Error("a failed look took away what was known")
	}
	if !m.complain("nobody", "x") || len(m.sessions) != 1 {
		t.Error("a failure of a session that was never seen is not remembered")
	}
}

func TestMemoryIsSureOfANameThatWasClaimedBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		want := func(reason string, sure bool) {
			t.Helper()
			if got := m.claimedBefore("s1", "n", time.Now()); got != sure {
				t.Errorf("%s: sure %t, want %t", reason, got, sure)
			}
		}
		want("a claim that was never seen", false)
		m.metHealthy("s1", "n")
		want("one that is first seen now may be younger than the list", false)
		<-time.After(time.Second) // virtual time
		want("one that was seen before the list is not", true)
		m.ended("s1", "n")
		want("one of a session that ended since", false)
		m.metHealthy("s1", "n")
		want("nor that of one that was revived since", false)
		<-time.After(time.Second)
		want("until it was seen before the list again", true)
		m.bind("s1", "n", thisID, time.Now())
		want("one that a look has seen to mean something since the list", false)
	})
}

func TestMemoryTakesNoGraceForTheRestOfALook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.observe("s1", "n", "odd", time.Now())
		<-time.After(3 * time.Second) // virtual time
		began := time.Now()
		<-time.After(2 * time.Second) // a slow list after the inspect
		claimed, cause := m.observe("s1", "n", "odd", began)
		if claimed != 3*time.Second || cause != 3*time.Second {
			t.Errorf("claimed for %s, odd for %s; want the 3 s until the look began", claimed, cause)
		}
		if claimed, cause = m.observe("s2", "n", "odd", began); claimed != 0 || cause != 0 {
			t.Errorf("at first sight it is claimed for %s, odd for %s", claimed, cause)
		}
	})
}

func TestMemoryGivesARevivedSessionItsGraceAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		m.observe("s1", "n", "gone", time.Now())
		<-time.After(29 * time.Second) // virtual time
		m.ended("s1", "n")
		if m.meant("s1", "n", true) != "" {
			t.Error("it means something")
		}
		if _, cause := m.observe("s1", "n", "gone", time.Now()); cause != 0 {
			t.Errorf("gone for %s: that was in its former life", cause)
		}
	})
}
