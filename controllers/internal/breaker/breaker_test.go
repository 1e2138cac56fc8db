package breaker_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/breaker"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

func newBreaker() *breaker.Breaker {
	p := verdict.DefaultPolicy()
	return breaker.New(breaker.Options{Policy: p.Breaker, Log: logr.Discard()})
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual time
}

// hour is longer than every hold.
const hour = time.Hour

func TestSessionsThatAreGoneTogetherAreHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		held := func() time.Duration {
			wait, _ := b.Gone(hour)
			return wait
		}
		sweep := func(c verdict.Counts) {
			b.Counted(time.Now(), c)
		}
		for _, harmless := range []verdict.Counts{{Live: 10, Gone: 5}, {Live: 9, Gone: 9}, {}} {
			if sweep(harmless); held() != 0 {
				t.Errorf("%+v trips", harmless)
			}
		}
		if sweep(verdict.Counts{Live: 10, Gone: 6}); held() != time.Minute {
			t.Errorf("held for %s, want a minute", held())
		}
		pass(40 * time.Second)
		if sweep(verdict.Counts{Live: 10, Gone: 6}); held() != 20*time.Second {
			t.Errorf("held for %s more: a second sweep began the hold anew", held())
		}
		pass(20 * time.Second)
		if sweep(verdict.Counts{Live: 10, Gone: 6}); held() != 0 {
			t.Errorf("held for %s after the hold", held())
		}
		if later, _ := b.Gone(10 * time.Second); later != 50*time.Second {
			t.Errorf("one that was lost 10 s ago, in a second disaster, is held for %s, want 50 s", later)
		}
		if sweep(verdict.Counts{Live: 4}); held() != 0 {
			t.Errorf("held for %s with nothing gone", held())
		}
		if sweep(verdict.Counts{Live: 20, Gone: 20}); held() != time.Minute {
			t.Errorf("held for %s the second time, want a minute", held())
		}
	})
}

func TestASessionThatIsGoneWaitsForACount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		counted := func(reason string, goneFor time.Duration, want bool) {
			t.Helper()
			if _, got := b.Gone(goneFor); got != want {
				t.Errorf("%s: counted %t, want %t", reason, got, want)
			}
		}
		counted("before the first sweep", hour, false)
		b.Counted(time.Now(), verdict.Counts{})
		pass(time.Second)
		counted("after the first sweep", 0, true)
		b.Forget()
		counted("after the counts were forgotten", 0, false)
		began := time.Now()
		pass(time.Second) // the sweep takes a second, and the counts are forgotten while it is under way
		b.Forget()
		b.Counted(began, verdict.Counts{})
		counted("one that was seen after the sweep began", time.Second, false)
		counted("one that was gone when the sweep began, whatever was forgotten since", 2*time.Second, true)
		pass(time.Millisecond)
		b.Counted(time.Now(), verdict.Counts{})
		counted("after a sweep that began when the counts were forgotten", 0, true)
	})
}

func TestContainersWithoutARowWaitForACountAndAreHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker()
		want := func(reason string, since time.Time, wantHeld, wantCounted bool) {
			t.Helper()
			if held, counted := b.Rowless(since); held != wantHeld || counted != wantCounted {
				t.Errorf("%s: held %t and counted %t, want %t and %t", reason, held, counted, wantHeld, wantCounted)
			}
		}
		clearFor := func(want time.Duration) {
			t.Helper()
			if got := b.RowlessClearFor(); got != want {
				t.Errorf("none is held since %s, want %s", got, want)
			}
		}
		start := time.Now()
		clearFor(math.MaxInt64)
		want("before any sweep", start, false, false)
		b.Counted(start, verdict.Counts{})
		want("after a sweep that did not begin later", start, false, false)
		pass(time.Second)
		b.Counted(time.Now(), verdict.Counts{})
		want("after one that did", start, false, true)
		b.Forget()
		want("another engine says nothing about rows", start, false, true)
		deleted := time.Now()
		pass(time.Second)
		b.Counted(time.Now(), verdict.Counts{Owned: 20, Rowless: 11})
		want("after the rows were deleted", deleted, true, true)
		if sessions, containers := b.Tripped(); sessions || !containers {
			t.Errorf("tripped: sessions %t, containers %t", sessions, containers)
		}
		clearFor(0)
		back := time.Now()
		pass(time.Second)
		want("when rows come back and are not counted yet", back, true, false)
		b.Counted(time.Now(), verdict.Counts{Owned: 20, Rowless: 10})
		want("when enough of them are back", back, false, true)
		pass(time.Second)
		clearFor(time.Second)
	})
}

func TestAnOperatorWhoAcceptsLeaksIsNotHeldUp(t *testing.T) {
	t.Parallel()
	o := breaker.Options{Policy: verdict.DefaultPolicy().Breaker, AcceptLeaks: true, Log: logr.Discard()}
	b := breaker.New(o)
	b.Counted(time.Now(), verdict.Counts{Owned: 20, Rowless: 20})
	if held, counted := b.Rowless(time.Time{}); held || !counted {
		t.Errorf("held %t, counted %t", held, counted)
	}
	if since := b.RowlessClearFor(); since != math.MaxInt64 {
		t.Errorf("held until %s ago", since)
	}
	if _, containers := b.Tripped(); containers {
		t.Error("containers count as held")
	}
}
