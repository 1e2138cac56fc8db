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
		if err := a.SetPause(t.Context(), time.Minute, "me", "it's \"why\"; --"); err != nil {
			t.Fatal(err)
		}
		if err := a.SetPause(t.Context(), time.Hour, "me", "it's \"why\"; --"); err != nil {
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
			if err := a.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if again := paused(a); again.Active() || again.Made == p.Made || again.By != "" {
			t.Errorf("it was resumed once, and once where there was no pause: %+v", again)
		}
		if err := a.SetPause(t.Context(), time.Millisecond, "me", "short"); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Millisecond)
		if p := paused(a); p.Active() || p.Reason != "short" {
			t.Errorf("it is over: %+v", p)
		}
	})
}

// A controller that knows a pause tells its end from the record of another one.
func TestTheEndOfAPauseIsTheSamePauses(t *testing.T) {
	t.Parallel()
	inEach(t, func(f *fixture) {
		t, l := f.t, f.ledger()
		made := map[int64]bool{}
		for _, step := range []struct {
			reason string
			write  func() error
			anew   bool
		}{
			{"an end of a pause that is not known", func() error { return l.Resume(t.Context()) }, true},
			{"a pause", func() error { return l.SetPause(t.Context(), time.Hour, "me", "why") }, true},
			{"the same one, made shorter", func() error { return l.SetPause(t.Context(), time.Minute, "me", "why") }, false},
			{"its end", func() error { return l.Resume(t.Context()) }, false},
			{"one more end", func() error { return l.Resume(t.Context()) }, true},
			{"another pause", func() error { return l.SetPause(t.Context(), time.Hour, "me", "why") }, true},
		} {
			if err := step.write(); err != nil {
				t.Fatal(err)
			}
			p, err := l.Paused(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p.Made == 0 || made[p.Made] == step.anew {
				t.Errorf("%s: it is record %d, another one than before: want %t", step.reason, p.Made, step.anew)
			}
			made[p.Made] = true
		}
	})
}
