package controllers

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

func TestDecideEngine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason, pin, remembered, last, current string
		want                                   engineVerdict
	}{
		{"nobody knows it", "", "", "", "a", engineUnknown},
		{"it is the one", "", "a", "", "a", engineAccepted},
		{"it is another one", "", "b", "", "a", engineRefused},
		{"it is pinned", "a", "", "", "a", engineNamed},
		{"it is pinned in place of another", "a", "b", "", "a", engineNamed},
		{"it is pinned and remembered", "a", "a", "", "a", engineAccepted},
		{"another one is pinned", "b", "", "", "a", engineRefused},
		{"another one is pinned, whatever is remembered", "b", "a", "a", "a", engineRefused},
		{"it was served, and the record is lost", "", "", "a", "a", engineUnknown},
		{"another one was served, and the record is lost", "", "", "b", "a", engineRefused},
		{"an operator trusts another one than was served", "", "a", "b", "a", engineAccepted},
		{"another one is pinned than was served", "a", "", "b", "a", engineNamed},
	} {
		if got := decideEngine(tt.pin, tt.remembered, tt.last, tt.current); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.reason, got, tt.want)
		}
	}
	for census, want := range map[Census]bool{{}: true, {LiveClaims: 9}: false, {LiveClaims: 9, Found: 1}: true} {
		if census.plausible() != want {
			t.Errorf("%+v is plausible: %t", census, !want)
		}
	}
}

func TestTheSlowLaneIsAQuarterOfTheWorkers(t *testing.T) {
	t.Parallel()
	l := newSlowLane[verdict.SessionKey](8)
	for _, key := range []verdict.SessionKey{"a", "b", "c"} {
		leave, ok := l.enter(key)
		if !ok {
			t.Fatalf("%s has not hung yet and is not let in", key)
		}
		leave(true)
	}
	leaveA, okA := l.enter("a")
	_, okB := l.enter("b")
	_, okC := l.enter("c")
	_, okD := l.enter("d")
	if !okA || !okB || okC || !okD {
		t.Errorf("let in: %t %t %t %t, want two of those that hung, and the one that did not", okA, okB, okC, okD)
	}
	leaveA(false)
	leaveC, ok := l.enter("c")
	if !ok {
		t.Fatal("c has waited for its turn in vain")
	}
	leaveC(false)
	if _, ok := l.enter("a"); !ok {
		t.Error("a answered and is still taken for slow")
	}
	if one := newSlowLane[verdict.SessionKey](1); one.width != 1 {
		t.Errorf("of one worker %d are for slow keys", one.width)
	}
}

func TestTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next, sweeps := verdict.Counts{}, 0
		o := Options{Policy: verdict.DefaultPolicy(), Log: logr.Discard()}
		d := newDoubts(o, func(context.Context, time.Time) (verdict.Counts, error) { sweeps++; return next, nil })
		held := func() time.Duration {
			wait, err := d.goneHeld(t.Context(), time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			return wait
		}
		sweep := func(tl verdict.Counts) {
			next = tl
			d.forget()
			time.Sleep(time.Millisecond) //nolint:forbidigo // so that the sweep begins later
			held()
		}
		for _, harmless := range []verdict.Counts{{Live: 10, Gone: 5}, {Live: 9, Gone: 9}, {}} {
			if sweep(harmless); held() != 0 {
				t.Errorf("%+v trips", harmless)
			}
		}
		if sweep(verdict.Counts{Live: 10, Gone: 6}); held() != time.Minute {
			t.Errorf("held for %s, want a minute", held())
		}
		time.Sleep(40 * time.Second) //nolint:forbidigo // in the middle of the hold
		if sweep(verdict.Counts{Live: 10, Gone: 6}); held() > 20*time.Second {
			t.Errorf("held for %s more: a second sweep began the hold anew", held())
		}
		time.Sleep(20 * time.Second) //nolint:forbidigo // to its end
		if sweep(verdict.Counts{Live: 10, Gone: 6}); held() != 0 {
			t.Errorf("held for %s after the hold", held())
		}
		if later, err := d.goneHeld(t.Context(), 10*time.Second); err != nil || later != 50*time.Second {
			t.Errorf("one that was lost 10 s ago, in a second disaster, is held for %s, %v, want 50 s", later, err)
		}
		if sweep(verdict.Counts{Live: 4}); held() != 0 {
			t.Errorf("held for %s with nothing gone", held())
		}
		if sweep(verdict.Counts{Live: 20, Gone: 20}); held() != time.Minute {
			t.Errorf("held for %s the second time, want a minute", held())
		}
		before := sweeps
		if held(); sweeps != before {
			t.Error("it swept again though nothing was forgotten")
		}
	})
}

func TestLeaksAreCountedBySweepsThatBeganLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next, sweeps := verdict.Counts{}, 0
		o := Options{Policy: verdict.DefaultPolicy(), Log: logr.Discard()}
		d := newDoubts(o, func(context.Context, time.Time) (verdict.Counts, error) { sweeps++; return next, nil })
		held := func(since time.Time) bool {
			held, err := d.leaksHeld(t.Context(), since)
			if err != nil {
				t.Fatal(err)
			}
			return held
		}
		start := time.Now()
		time.Sleep(time.Second) //nolint:forbidigo // synctest's
		if held(start) || sweeps != 1 {
			t.Errorf("held, or %d sweeps, want one", sweeps)
		}
		if held(start) || sweeps != 1 {
			t.Errorf("held, or %d sweeps: one that is late enough was there", sweeps)
		}
		next = verdict.Counts{Owned: 20, Rowless: 11} // the rows are deleted
		deleted := time.Now()
		time.Sleep(time.Second) //nolint:forbidigo // synctest's
		if !held(deleted) || sweeps != 2 {
			t.Errorf("not held after %d sweeps", sweeps)
		}
		next = verdict.Counts{Owned: 20, Rowless: 10}
		back := time.Now()
		time.Sleep(time.Second) //nolint:forbidigo // synctest's
		if !held(back) {
			t.Error("not held though the rows have only begun to come back")
		}
		time.Sleep(o.Policy.GoneGrace.Duration) //nolint:forbidigo // synctest's
		if held(back) {
			t.Error("held for longer than goneGrace though the share fell")
		}
	})
}

func TestAFailedCountIsTakenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sweeps, fails := 0, true
		c := newCensus(func(time.Time, verdict.Counts) {})
		sweep := func(time.Time) (verdict.Counts, error) {
			sweeps++
			time.Sleep(time.Second) //nolint:forbidigo // a sweep takes its time
			if fails {
				return verdict.Counts{}, errors.New("the database is away")
			}
			return verdict.Counts{Live: 1}, nil
		}
		start := time.Now().Add(-time.Second)
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- c.since(t.Context(), start, sweep) }()
		}
		for range 2 {
			if err := <-ended; err == nil || sweeps != 1 {
				t.Errorf("%v after %d sweeps: want the failure of one that both waited for", err, sweeps)
			}
		}
		fails = false
		time.Sleep(time.Second) //nolint:forbidigo // the database comes back
		if err := c.since(t.Context(), start, sweep); err != nil || sweeps != 2 {
			t.Errorf("%v after %d sweeps: the failure of the first one is told for ever", err, sweeps)
		}
	})
}

func TestEveryConnectionOfTheStreamAndEveryLossForgetTheCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Policy: verdict.DefaultPolicy(), Engine: nowhere{}, Log: logr.Discard()}, nil)
		c.loop = newSweepLoop(c.core, nil, nil)
		sweeps := 0
		c.doubts.sweep = func(context.Context, time.Time) (verdict.Counts, error) { sweeps++; return verdict.Counts{}, nil }
		handlers := c.handlers(&eventTrigger{})
		for want, happens := range []func(){
			func() {},
			func() { handlers.Connected(true) },
			func() { handlers.Disconnected(errors.New("broken")) },
		} {
			happens()
			time.Sleep(time.Second) //nolint:forbidigo // so that a sweep begins later
			for range 2 {
				if _, err := c.doubts.goneHeld(t.Context(), 0); err != nil || sweeps != want+1 {
					t.Errorf("%v after %d sweeps, want %d", err, sweeps, want+1)
				}
			}
		}
	})
}

// nowhere is an engine that is only asked where it is.
type nowhere struct{ Engine }

func (nowhere) Host() string { return "nowhere" }
