package sessiondb_test

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func TestAPauseIsKeptForItsNodeUntilItEnds(t *testing.T) {
	t.Parallel()
	inEach(t, func(f *fixture) {
		t, a, b := f.t, f.ledger(), f.ofNode("b")
		paused := func(l *sessiondb.Ledger) sessiondb.Pause {
			t.Helper()
			p, err := l.Paused(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		if p := paused(a); p.Active() || p != (sessiondb.Pause{}) {
			t.Errorf("nobody paused it: %+v", p)
		}
		if err := a.SetPause(t.Context(), time.Minute, "me", "it's \"why\"; --", 0); err != nil {
			t.Fatal(err)
		}
		if err := a.SetPause(t.Context(), time.Hour, "me", "it's \"why\"; --", 0); err != nil {
			t.Fatal(err) // in place of the first
		}
		p := paused(f.ofNode("a")) // another process
		if left := time.Until(p.Until); left < 59*time.Minute || left > time.Hour || !p.Active() {
			t.Errorf("%s are left of an hour", left)
		}
		if ago := time.Since(p.Since); ago > time.Minute || ago < -time.Second {
			t.Errorf("it was made %s ago", ago)
		}
		if p.By != "me" || p.Reason != "it's \"why\"; --" {
			t.Errorf("it reads %+v", p)
		}
		if p := paused(b); p.Active() {
			t.Errorf("another node is paused: %+v", p)
		}
		for range 2 {
			if err := a.Resume(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
		if again := paused(a); again.Active() || again.Made <= p.Made || again.By != "" {
			t.Errorf("it was resumed, which is written down as later than the pause: %+v", again)
		}
		if err := a.SetPause(t.Context(), time.Millisecond, "me", "short", 0); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Millisecond)
		if p := paused(a); p.Active() || p.Reason != "short" {
			t.Errorf("it is over: %+v", p)
		}
	})
}

// A database that was restored elsewhere has no record of the pause that a controller knows, and may have a clock that
// is behind: what is said now counts as later all the same.
func TestWhatIsSaidOfAPauseCountsAsLaterThanWhatAControllerKnows(t *testing.T) {
	t.Parallel()
	inEach(t, func(f *fixture) {
		t, l := f.t, f.ledger()
		known := time.Now().Add(time.Hour).UnixMilli()
		for _, say := range []func() error{
			func() error { return l.SetPause(t.Context(), time.Minute, "me", "why", known) }, // there is no record
			func() error { return l.Resume(t.Context(), known+1000) },
			func() error { return l.SetPause(t.Context(), time.Minute, "me", "why", 0) },
		} {
			if err := say(); err != nil {
				t.Fatal(err)
			}
			p, err := l.Paused(t.Context())
			if err != nil || p.Made <= known {
				t.Errorf("%d is not later than %d: %v", p.Made, known, err)
			}
			if left := time.Until(p.Until); left > time.Minute || p.Reason != "" && left < 50*time.Second {
				t.Errorf("%s are left", left)
			}
			known = p.Made
		}
	})
}
