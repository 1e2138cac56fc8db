package controllers

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryWaitsForACauseAndForgetsWithTheClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		want := func(claim, cause string, claimedFor, causeFor time.Duration, reason string) {
			t.Helper()
			if c, d := m.observe("s1", claim, cause); c != claimedFor || d != causeFor {
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

func TestMemoryBindsANameToAContainerOnlyForItsClaim(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.bind("s1", "n", thisID)
	if got := m.bound("s1", "n"); got != thisID {
		t.Errorf("the claim means %q, want the container it was seen to mean", got)
	}
	if got := m.bound("s1", "other"); got != "" {
		t.Errorf("another claim of the session means %q, want nothing", got)
	}
	if got := m.bound("s2", "n"); got != "" {
		t.Errorf("another session's claim means %q, want nothing: it may be saved ahead of another container", got)
	}
	m.forget("s1")
	if got := m.bound("s1", "n"); got != "" {
		t.Errorf("after the session claimed nothing the claim means %q, want nothing", got)
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
	m.bind("stays", "n", thisID)
	m.bind("leaves", "n", thisID)
	for range 2 {
		m.nextRound()
		m.keep("stays")
		m.prune()
	}
	if m.bound("stays", "n") == "" {
		t.Error("forgot a session that every sweep met")
	}
	if m.bound("leaves", "n") != "" {
		t.Error("remembers a session that two sweeps did not meet: memory would grow with every session that ever was")
	}
	m.bind("new", "n", thisID)
	m.nextRound()
	m.prune()
	if m.bound("new", "n") == "" {
		t.Error("forgot a session that was first looked at while a sweep was under way")
	}
}
