package dockerwatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/internal/wait"
)

// scriptedEngine stands in for an engine whose stream breaks on command, which a real one does not. Each connection
// runs one script; after the last one the stream stays open and silent.
type scriptedEngine struct {
	now     time.Time
	info    Info // what it says of itself, but for the time
	scripts []script
	sinces  []time.Time // where each connection asked to resume
	tries   []time.Time
}

// script is one connection of the stream: what it sends, what the engine still remembers, and how it ends.
type script struct {
	refused bool
	memory  []Moment
	amnesia error // RecentEvents fails
	events  []Event
	lasts   time.Duration
	skew    time.Duration // how far the engine's clock is from where it was at first
	engine  string        // the identity of the engine that the stream leads to; empty: the one that the calls lead to
}

var errBroken = errors.New("broken")

func (s *scriptedEngine) current() script {
	if len(s.scripts) == 0 {
		return script{lasts: time.Hour}
	}
	return s.scripts[0]
}

func (s *scriptedEngine) Info(context.Context) (Info, error) {
	s.tries = append(s.tries, time.Now())
	if s.current().refused {
		s.scripts = s.scripts[1:]
		return Info{}, fmt.Errorf("info: %w", ErrUnreachable)
	}
	info := s.info
	info.Time = s.now.Add(s.current().skew + s.tries[len(s.tries)-1].Sub(s.tries[0]))
	return info, nil
}

func (s *scriptedEngine) RecentEvents(context.Context, time.Time) ([]Moment, error) {
	return s.current().memory, s.current().amnesia
}

func (s *scriptedEngine) Events(
	ctx context.Context, since time.Time, connected func(string) error, handle func(Event),
) error {
	s.sinces = append(s.sinces, since)
	runs := s.current()
	engine := runs.engine
	if engine == "" {
		engine = s.info.Identity()
	}
	if err := connected(engine); err != nil {
		s.scripts = s.scripts[1:]
		return err
	}
	for _, e := range runs.events {
		handle(e)
	}
	if len(s.scripts) > 0 {
		s.scripts = s.scripts[1:]
	}
	if wait.For(ctx, runs.lasts, nil); ctx.Err() != nil {
		return ctx.Err()
	}
	return errBroken
}

// told is what a watcher told its handlers.
type told struct {
	gaps   []bool
	downs  int
	events []Event
}

// watch runs a watcher over the scripts for a (virtual) minute.
func watch(t *testing.T, engine *scriptedEngine, h *History) told {
	t.Helper()
	var got told
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w := NewWatcher(engine, h, WatchHandlers{
		Connected:    func(_ string, gap bool) { got.gaps = append(got.gaps, gap) },
		Disconnected: func(error) { got.downs++ },
		Event:        func(e Event) { got.events = append(got.events, e) },
	})
	if err := w.Run(ctx); err != nil {
		t.Errorf("Run returned %v, it ends with its context and without an error", err)
	}
	return got
}

func moment(e Event) Moment { return Moment{Time: e.Time, ID: e.ID, Action: e.Action, Event: &e} }

func TestWatcherResumesAtTheLastEventsOwnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		last := at(7, ActionDie)
		engine := &scriptedEngine{now: second(0), scripts: []script{
			{events: []Event{at(5, ActionStart), last}, lasts: 10 * time.Second},
			{events: []Event{last, at(9, ActionDestroy)}, memory: []Moment{moment(last)}, lasts: time.Hour},
		}}
		got := watch(t, engine, NewHistory())

		want := []time.Time{second(0).Add(-stopWindow), second(7)}
		if diff := cmp.Diff(want, engine.sinces); diff != "" {
			t.Errorf("since is the engine's time of the last event, never the local clock (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]bool{false, false}, got.gaps); diff != "" {
			t.Errorf("the engine still had the last event, so nothing was missed (-want +got):\n%s", diff)
		}
		heard := []Event{at(5, ActionStart), last, at(9, ActionDestroy)}
		if diff := cmp.Diff(heard, got.events); diff != "" {
			t.Errorf("the last event comes again and is dropped (-want +got):\n%s", diff)
		}
		if got.downs != 1 {
			t.Errorf("told %d times that the stream broke, want once", got.downs)
		}
	})
}

func TestWatcherKnowsItsGaps(t *testing.T) {
	t.Parallel()
	killed, last := at(-50, ActionKill), at(5, ActionStart)
	old := []Moment{{Time: second(-600)}}
	busy := slices.Repeat([]Moment{{Time: second(-20)}}, 256)
	busy[17].Time = second(-30)
	tests := []struct {
		reason    string
		scripts   []script
		started   time.Time
		wantGaps  []bool
		wantCrash bool
	}{
		{
			"at start the engine's memory shows whether a stop is under way",
			[]script{{memory: []Moment{{Time: second(-50)}}, events: []Event{died(20, 1)}, lasts: time.Hour}},
			second(-3600), []bool{false}, true,
		},
		{
			"at start a kill within the last minute is heard of",
			[]script{{memory: []Moment{moment(killed)}, events: []Event{killed, died(9, 1)}, lasts: time.Hour}},
			second(-3600), []bool{false}, false,
		},
		{
			"a memory that is full may have lost a kill",
			[]script{{memory: busy, events: []Event{died(9, 1)}, lasts: time.Hour}},
			second(-3600), []bool{false}, false,
		},
		{
			"but not for a container that started after its oldest event",
			[]script{{memory: busy, events: []Event{died(9, 1)}, lasts: time.Hour}},
			second(-25), []bool{false}, true,
		},
		{
			"an engine that remembers nothing was started just now: what it forgot may be a kill",
			[]script{{events: []Event{died(9, 1)}, lasts: time.Hour}},
			second(-3600), []bool{false}, false,
		},
		{
			"an engine that remembers older events has forgotten none of the last minute",
			[]script{{memory: old, events: []Event{died(9, 1)}, lasts: time.Hour}},
			second(-3600), []bool{false}, true,
		},
		{
			"an engine that cannot say what it remembers leaves a gap before the connection",
			[]script{{amnesia: errBroken, events: []Event{died(9, 1)}, lasts: time.Hour}},
			second(-25), []bool{false}, false,
		},
		{
			"a break that the engine's memory covers is none",
			[]script{
				{memory: old, events: []Event{last}, lasts: 2 * time.Second},
				{memory: []Moment{moment(last)}, events: []Event{died(9, 1)}, lasts: time.Hour},
			},
			time.Time{}, []bool{false, false}, true,
		},
		{
			"a restarted engine has forgotten the last event: a kill may be among what it forgot",
			[]script{
				{memory: old, events: []Event{last}, lasts: 2 * time.Second},
				{memory: []Moment{moment(at(8, ActionCreate))}, events: []Event{died(9, 1)}, lasts: time.Hour},
			},
			time.Time{}, []bool{false, true}, false,
		},
		{
			"a clock that was an hour ahead at a connection and is right again lets a crash be one before that hour is over",
			[]script{
				{lasts: 2 * time.Second},
				{skew: time.Hour, memory: old, lasts: 2 * time.Second},
				{memory: old, events: []Event{at(12, ActionStart), died(100, 1)}, lasts: time.Hour},
			},
			time.Time{}, []bool{false, true, true}, true,
		},
		{
			"a clock that was an hour behind at a connection does not make the stream whole for the hour before it is right",
			[]script{
				{lasts: 2 * time.Second},
				{skew: -time.Hour, memory: old, lasts: 2 * time.Second},
				{memory: old, events: []Event{died(13, 1)}, lasts: time.Hour},
			},
			second(-25), []bool{false, true, true}, false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := NewHistory()
				// The engine's clock shows ten seconds past midday at every connection but the first.
				got := watch(t, &scriptedEngine{now: second(7), scripts: tt.scripts}, h)
				if diff := cmp.Diff(tt.wantGaps, got.gaps); diff != "" {
					t.Errorf("%s: gaps (-want +got):\n%s", tt.reason, diff)
				}
				if e := h.Evidence(oneID, tt.started); e.Crash != tt.wantCrash || e.DiedAt.IsZero() {
					t.Errorf("%s: got %+v, want crash %t", tt.reason, e, tt.wantCrash)
				}
			})
		})
	}
}

// At a connection the engine sends what it remembers, one by one, and looks are taken meanwhile: a container that died,
// was started again and was removed a moment ago must not be seen as one that died long ago.
func TestWatcherKnowsWhatIsRememberedBeforeItIsConnected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		past := []Event{
			died(-50, 143), at(-49, ActionStart), at(-1, ActionKill), died(-1, 137), at(-1, ActionDestroy),
		}
		earlier := Event{Action: ActionDie, ID: strings.Repeat("e", 64), Time: second(-500)}
		memory := make([]Moment, 0, len(past))
		for _, e := range past {
			memory = append(memory, moment(e))
		}
		memory = slices.Insert(memory, 0, Moment{Time: second(-600), ID: "image", Action: "pull"}, moment(earlier))
		h := NewHistory()
		asked := 0
		w := NewWatcher(&scriptedEngine{now: second(0), scripts: []script{{memory: memory, events: past}}}, h,
			WatchHandlers{Connected: func(string, bool) {
				asked++
				e := h.Evidence(oneID, time.Time{})
				if asked == 1 && (!e.EndedAt().Equal(second(-1)) || e.DestroyedAt.IsZero() || e.Crash) {
					t.Errorf("connected, and known is %+v, want one that was killed a second ago", e)
				}
				if h.Evidence(earlier.ID, time.Time{}).Ended() {
					t.Error("known is what the stream is not asked for: it is of before the time that it begins with")
				}
			}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := w.Run(ctx); err != nil || asked == 0 {
			t.Errorf("connected %d times: %v", asked, err)
		}
	})
}

func TestWatcherComesBackWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := &scriptedEngine{now: second(0), scripts: slices.Repeat([]script{{refused: true}}, 40)}
		got := watch(t, engine, NewHistory())
		if got.downs != 1 || len(got.gaps) != 1 {
			t.Errorf("told %d times down and %d times up, want once each", got.downs, len(got.gaps))
		}
		for i := 1; i < len(engine.tries); i++ {
			if wait := engine.tries[i].Sub(engine.tries[i-1]); wait > time.Second {
				t.Errorf("waited %s before try %d, want at most a second", wait, i)
			}
		}
		if first := engine.tries[1].Sub(engine.tries[0]); first != 0 {
			t.Errorf("waited %s before the first try after a break, want none", first)
		}
	})
}

func TestWatcherDoesNotSpinOnAStreamThatBreaksAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := &scriptedEngine{now: second(0), scripts: slices.Repeat([]script{{}}, 10_000)}
		watch(t, engine, NewHistory())
		// From the seventh try on each waits half a second at the least.
		if n := len(engine.tries); n > 140 {
			t.Errorf("connected %d times in a minute to a stream that breaks at once", n)
		}
	})
}

// What was heard under the clock of before says nothing about where to go on.
func TestWatcherResumesWhereTheClockIsNowWhenItWasSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := &scriptedEngine{now: second(0), scripts: []script{
			{skew: time.Hour, events: []Event{at(3600, ActionStart)}, lasts: 2 * time.Second},
			// What was heard an hour ahead is remembered, and comes again.
			{events: []Event{at(3600, ActionStart), at(3, ActionDie)}, lasts: 2 * time.Second},
			{lasts: time.Hour},
		}}
		watch(t, engine, NewHistory())
		want := []time.Time{second(3600).Add(-stopWindow), second(2).Add(-stopWindow), second(3)}
		if diff := cmp.Diff(want, engine.sinces); diff != "" {
			t.Errorf("since (-want +got):\n%s", diff)
		}
	})
}

// The stream dials a connection of its own: the address may lead elsewhere for the moment.
func TestWatcherFollowsNoOtherEngineThanTheCallsLeadTo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := Info{ID: "ONE", RootDir: "/"}
		engine := &scriptedEngine{now: second(0), info: one, scripts: []script{
			{engine: "OTHER@/", events: []Event{at(5, ActionStart)}, lasts: time.Hour},
			{engine: "OTHER@/", events: []Event{at(6, ActionStart)}, lasts: time.Hour},
			{engine: one.Identity(), events: []Event{at(7, ActionStart)}, lasts: time.Hour},
		}}
		got := watch(t, engine, NewHistory())
		if len(got.gaps) != 1 || got.downs != 1 {
			t.Errorf("connected %d times, down %d times, want once each", len(got.gaps), got.downs)
		}
		if diff := cmp.Diff([]Event{at(7, ActionStart)}, got.events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestWatcherDialsAnewWhenItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := &scriptedEngine{now: second(0)} // whose streams stay open
		var downs []error
		w := NewWatcher(engine, NewHistory(), WatchHandlers{Disconnected: func(err error) { downs = append(downs, err) }})
		w.Redial() // there is no connection to end yet
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() {
			wait.For(ctx, 10*time.Second, nil)
			w.Redial()
			w.Redial()
		}()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		if len(engine.tries) != 2 || engine.tries[1].Sub(engine.tries[0]) != 10*time.Second {
			t.Errorf("dialled at %v, want twice, the second time after 10 s", engine.tries)
		}
		if len(downs) != 1 || !errors.Is(downs[0], ErrRedialled) {
			t.Errorf("said %v, want once that it was dialled anew", downs)
		}
	})
}

func TestAClockThatDriftsWasNotSet(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		reason      string
		elapsed, by time.Duration
		want        bool
	}{
		{"answers of two calls, the second of which took its whole time", time.Second, 5 * time.Second, false},
		{"a clock that was corrected by a quarter of a minute", time.Second, 15 * time.Second, true},
		{"and back", time.Second, -15 * time.Second, true},
		{"clocks that drift apart by a ten-thousandth for a month", 30 * day, 30 * day / 10_000, false},
		{"a clock that was set by an hour in that time", 30 * day, -time.Hour, true},
	} {
		if got := ClockWasSet(second(0), second(0).Add(tt.elapsed+tt.by), tt.elapsed); got != tt.want {
			t.Errorf("%s: was set: %t", tt.reason, got)
		}
	}
}
