package controllers

import (
	"testing"
	"time"
)

// The monotonic clock cannot be set, in a test as little as elsewhere: what would be a wall clock that was set is a
// reading whose two clocks disagree.
func TestAWallClockThatWasSetEndsNoGrace(t *testing.T) {
	t.Parallel()
	read := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	engine := read.Add(time.Minute)
	for _, tt := range []struct {
		reason string
		offset time.Duration
	}{
		{"both agree", time.Minute},
		{"this machine's clock was set forward by an hour", time.Minute + time.Hour},
	} {
		r := reading{engine: engine, offset: tt.offset, local: read}
		if got, want := r.now(read.Add(2*time.Second)), engine.Add(2*time.Second); !got.Equal(want) {
			t.Errorf("%s: the engine has %s, want %s", tt.reason, got, want)
		}
	}
	set := reading{engine: engine, offset: time.Minute - time.Hour, local: read}
	if got := set.now(read.Add(time.Second)); got.After(engine) {
		t.Errorf("this machine's clock was set back by an hour: the engine has %s, want no more than its time", got)
	}
}
