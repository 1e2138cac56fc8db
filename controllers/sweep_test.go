package controllers

import (
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// The breaker counts at any moment, also between a claim that is cleared and the look at its session.
func TestASweepThatOnlyCountsForgetsNoSession(t *testing.T) {
	t.Parallel()
	info := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now()}
	engine := identified{answering{seen: dockerwatch.Observation{Engine: info.Identity()}}, info}
	c := newCore(Options{Store: &claimedBy{}, Engine: engine, Policy: DefaultPolicy(), Log: logr.Discard()})
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
