package dockerwatch

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	oneID  = strings.Repeat("1", 64)
	twoID  = strings.Repeat("2", 64)
	midday = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
)

// at returns an event of the first container, some seconds after midday.
func at(seconds int, action Action) Event {
	return Event{Action: action, ID: oneID, Name: "one", Time: second(seconds)}
}

func died(seconds, code int) Event {
	e := at(seconds, ActionDie)
	e.ExitCode = &code
	return e
}

func second(n int) time.Time { return midday.Add(time.Duration(n) * time.Second) }

func TestHistoryTellsACrashFromAStop(t *testing.T) {
	t.Parallel()
	code := func(n int) *int { return &n }
	long := second(-3600)
	tests := []struct {
		reason  string
		whole   time.Time
		events  []Event
		started time.Time
		want    Evidence
	}{
		{
			"nothing was heard", long, nil, time.Time{}, Evidence{},
		},
		{
			"a process that ends by itself is a crash", long,
			[]Event{at(0, ActionStart), died(9, 1)}, time.Time{},
			Evidence{DiedAt: second(9), ExitCode: code(1), Crash: true},
		},
		{
			"docker stop says kill before die", long,
			[]Event{at(0, ActionStart), at(8, ActionKill), died(9, 143), at(9, ActionStop)}, time.Time{},
			Evidence{DiedAt: second(9), ExitCode: code(143)},
		},
		{
			"a kill that arrives after the die it belongs to still counts", long,
			[]Event{at(0, ActionStart), died(9, 143), at(8, ActionKill)}, time.Time{},
			Evidence{DiedAt: second(9), ExitCode: code(143)},
		},
		{
			"a kill before the last start belongs to an earlier run", long,
			[]Event{at(0, ActionKill), died(1, 143), at(2, ActionStart), died(9, 2)}, time.Time{},
			Evidence{DiedAt: second(9), ExitCode: code(2), Crash: true},
		},
		{
			"a container that was started again has not died", long,
			[]Event{died(1, 1), at(2, ActionStart)}, time.Time{}, Evidence{},
		},
		{
			"a die from before the start that an inspect shows is not about this run", long,
			[]Event{died(1, 1)}, second(2), Evidence{},
		},
		{
			"out of memory is remembered with the die that follows it", long,
			[]Event{at(0, ActionStart), at(8, ActionOOM), died(9, 137)}, time.Time{},
			Evidence{DiedAt: second(9), ExitCode: code(137), OOMKilled: true, Crash: true},
		},
		{
			"out of memory in an earlier run says nothing about this one", long,
			[]Event{at(0, ActionOOM), died(1, 137), at(2, ActionStart), died(9, 1)}, time.Time{},
			Evidence{DiedAt: second(9), ExitCode: code(1), Crash: true},
		},
		{
			"without a whole stream nothing is a crash: a kill may have been missed", time.Time{},
			[]Event{at(0, ActionStart), died(9, 1)}, time.Time{}, Evidence{DiedAt: second(9), ExitCode: code(1)},
		},
		{
			"a stream that is whole since the start is whole enough", second(0),
			[]Event{at(0, ActionStart), died(9, 1)}, time.Time{},
			Evidence{DiedAt: second(9), ExitCode: code(1), Crash: true},
		},
		{
			"a gap after the start could hide a kill", second(5),
			[]Event{at(0, ActionStart), died(9, 1)}, time.Time{}, Evidence{DiedAt: second(9), ExitCode: code(1)},
		},
		{
			"a stop that was asked for more than a minute ago is not waited for", second(-70),
			[]Event{died(0, 1)}, second(-3600), Evidence{DiedAt: second(0), ExitCode: code(1), Crash: true},
		},
		{
			"one that was asked for within the last minute is", second(-50),
			[]Event{died(0, 1)}, second(-3600), Evidence{DiedAt: second(0), ExitCode: code(1)},
		},
		{
			"docker rm -f of a running container is kill, die, destroy", long,
			[]Event{at(0, ActionStart), at(8, ActionKill), died(9, 137), at(10, ActionDestroy)}, time.Time{},
			Evidence{DiedAt: second(9), DestroyedAt: second(10), ExitCode: code(137)},
		},
		{
			"an auto-removed container that crashed is still known to have crashed", long,
			[]Event{at(0, ActionStart), died(9, 1), at(9, ActionDestroy)}, time.Time{},
			Evidence{DiedAt: second(9), DestroyedAt: second(9), ExitCode: code(1), Crash: true},
		},
		{
			"events that are heard twice change nothing", long,
			[]Event{at(0, ActionStart), died(9, 1), at(0, ActionStart), died(9, 1)}, time.Time{},
			Evidence{DiedAt: second(9), ExitCode: code(1), Crash: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			h := NewHistory()
			h.Whole(tt.whole)
			for _, e := range tt.events {
				h.Add(e)
			}
			if diff := cmp.Diff(tt.want, h.Evidence(oneID, tt.started)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
			}
		})
	}
}

func TestHistoryJudgesADeathByTheStreamAsItWasThen(t *testing.T) {
	t.Parallel()
	h := NewHistory()
	h.Whole(second(-3600))
	h.Add(died(9, 1))
	h.Whole(second(20)) // a gap that came later
	if !h.Evidence(oneID, time.Time{}).Crash {
		t.Error("a crash that was heard on a whole stream is one, whatever the stream did afterwards")
	}
}

func TestHistoryForgetsContainersThatAreNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) {
		h := NewHistory()
		h.Add(died(0, 1))
		h.Add(at(0, ActionRename))
		h.Add(Event{Action: ActionDie, ID: twoID, Time: second(0)})
		h.Add(named(twoID, "before", 0, ActionCreate))
		h.Add(named(twoID, "two", 1, ActionRename))
		listed := func(id string) bool { return id == twoID }

		time.Sleep(historyKept) //nolint:forbidigo // the bubble's clock, which costs nothing
		h.Prune(listed)
		if !h.Evidence(oneID, time.Time{}).Ended() {
			t.Error("forgot a container whose session may still wait for a grace")
		}
		time.Sleep(time.Second) //nolint:forbidigo // as above
		h.Prune(listed)
		if h.Evidence(oneID, time.Time{}).Ended() {
			t.Error("still remembers a container more than five minutes after its end: memory would grow for ever")
		}
		if !h.Evidence(twoID, time.Time{}).Ended() {
			t.Error("forgot a container that the engine still lists")
		}
		if diff := cmp.Diff(map[string]string{"two": twoID}, h.names); diff != "" {
			t.Errorf("remembers names that nothing has (-want +got):\n%s", diff)
		}
	})
}

// A kill that is forgotten makes an intended stop look like a crash, which is given no grace.
func TestHistoryIsKeptWhenTheEnginesClockJumps(t *testing.T) {
	t.Parallel()
	h := NewHistory()
	h.Whole(second(-3600))
	h.Add(at(8, ActionKill))
	h.Add(Event{Action: ActionStart, ID: twoID, Time: second(8000)})
	h.Prune(func(string) bool { return false })
	h.Add(died(9, 137))
	if h.Evidence(oneID, time.Time{}).Crash {
		t.Error("a stop counts as a crash after an event from the future")
	}
}

func TestEvidenceEndsWithTheDeathOrTheRemoval(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason string
		have   Evidence
		want   time.Time
	}{
		{"nothing was heard", Evidence{}, time.Time{}},
		{"a death is the end", Evidence{DiedAt: second(1), DestroyedAt: second(9)}, second(1)},
		{"where only the removal was heard, that is", Evidence{DestroyedAt: second(9)}, second(9)},
	}
	for _, tt := range tests {
		if got := tt.have.EndedAt(); !got.Equal(tt.want) || tt.have.Ended() == tt.want.IsZero() {
			t.Errorf("%s: got %s, ended %t, want %s", tt.reason, got, tt.have.Ended(), tt.want)
		}
	}
}

// A death is of an earlier run where a later look found the container running, also when the clock was set back between
// the two, or the start was lost.
func TestADeathIsOverWhenTheContainerRunsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := NewHistory()
		h.Whole(second(-3600))
		before := time.Now()
		time.Sleep(time.Second) //nolint:forbidigo // virtual time
		h.Add(at(-1, ActionOOM))
		h.Add(died(0, 1))
		h.Add(at(-3600, ActionStart)) // by a clock that was set back
		h.Runs(oneID, before)
		if e := h.Evidence(oneID, time.Time{}); !e.Crash || !e.OOMKilled {
			t.Errorf("a look from before the death: %+v", e)
		}
		time.Sleep(time.Second) //nolint:forbidigo // virtual time
		h.Runs(oneID, time.Now())
		h.Add(died(0, 1)) // once more
		if e := h.Evidence(oneID, time.Time{}); e.Ended() || e.OOMKilled || e.Crash {
			t.Errorf("a look from after the death: %+v", e)
		}
		h.Add(died(-3000, 7))
		if e := h.Evidence(oneID, time.Time{}); e.DiedAt != second(-3000) || *e.ExitCode != 7 {
			t.Errorf("another death, by the clock that was set back: %+v", e)
		}
		h.Runs(twoID, time.Now())
		if e := h.Evidence(twoID, time.Time{}); e.Ended() {
			t.Errorf("nothing was heard of it: %+v", e)
		}
	})
}

// named returns an event of a container with a name of its own.
func named(id, name string, seconds int, action Action) Event {
	return Event{Action: action, ID: id, Name: name, Time: second(seconds)}
}

// What a name was seen to mean was removed, and another container may have the name since.
func TestEvidenceOfANameIsOfTheContainerThatHadItLast(t *testing.T) {
	t.Parallel()
	removed := Evidence{DestroyedAt: second(2)}
	first := []Event{named(oneID, "web", 0, ActionStart), named(oneID, "web", 2, ActionDestroy)}
	tests := []struct {
		reason string
		events []Event
		gapAt  time.Time // zero: the stream was whole all the time
		again  []Event   // after the gap
		want   Evidence
	}{
		{"nothing was heard of another one", first, time.Time{}, nil, removed},
		{"another one was made", append(first[:2:2], named(twoID, "web", 3, ActionCreate)), time.Time{}, nil, Evidence{}},
		{"another one was renamed", append(first[:2:2], named(twoID, "web", 3, ActionRename)), time.Time{}, nil, Evidence{}},
		{"another one was made by a clock that was set back",
			append(first[:2:2], named(twoID, "web", -9, ActionCreate)), time.Time{}, nil, Evidence{}},
		{"another one was made and removed",
			append(first[:2:2], named(twoID, "web", 3, ActionCreate), named(twoID, "web", 4, ActionDestroy)),
			time.Time{}, nil, Evidence{DestroyedAt: second(4)}},
		{"another one had the name and gave it up",
			[]Event{
				named(twoID, "web", -2, ActionCreate), named(twoID, "old", -1, ActionRename), first[0], first[1],
				named(twoID, "old", 3, ActionStart),
			}, time.Time{}, nil, removed},
		{"one that is removed is heard of late",
			append(first[:2:2], named(twoID, "web", 3, ActionCreate), named(oneID, "web", 0, ActionStart)),
			time.Time{}, nil, Evidence{}},
		{"another one could have been made in a gap", first, second(5), nil, Evidence{}},
		{"the removal is heard again after a gap", first, second(5), first[1:], Evidence{}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			h := NewHistory()
			h.Whole(second(-3600))
			for _, e := range tt.events {
				h.Add(e)
			}
			if !tt.gapAt.IsZero() {
				h.Whole(tt.gapAt)
			}
			for _, e := range tt.again {
				h.Add(e)
			}
			later := h.NameEvidence("web", oneID, time.Now().Add(time.Second))
			if diff := cmp.Diff(removed, later); diff != "" && tt.gapAt.IsZero() {
				t.Errorf("evidence of the name, of which a look has shown since that it means it (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, h.NameEvidence("web", oneID, time.Time{})); diff != "" {
				t.Errorf("evidence of the name (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(removed, h.Evidence(oneID, time.Time{})); diff != "" {
				t.Errorf("evidence of the container itself (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEvidenceIsStaleWhileTheStreamMayHaveMissedSomething(t *testing.T) {
	t.Parallel()
	h := NewHistory()
	h.Whole(second(0))
	h.Add(died(1, 1))
	want := func(reason string, stale bool) {
		t.Helper()
		if e := h.Evidence(oneID, time.Time{}); e.Stale != stale || !e.Ended() {
			t.Errorf("%s: stale %t, ended %t; want %t, true", reason, e.Stale, e.Ended(), stale)
		}
	}
	want("the stream has never been interrupted", false)
	h.Interrupted()
	want("it is interrupted", true)
	h.Resumed()
	want("it went on where it was", false)
	h.Interrupted()
	h.Whole(second(9))
	want("it has a gap", true)
	h.Add(died(10, 1))
	want("it has been heard of since", false)
	h.Whole(second(11))
	want("it is known to be whole from later on", false)
}
