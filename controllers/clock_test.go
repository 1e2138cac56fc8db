package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
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

// Behind a proxy two engines may answer by turns, and a grace that is measured on the wrong one's clock ends at once.
func TestOnlyTheServedEngineSetsTheClock(t *testing.T) {
	t.Parallel()
	served := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now().Add(-time.Hour), Offset: -time.Hour}
	other := dockerwatch.Info{ID: "B", RootDir: "/", Time: time.Now()}
	clock := &engineClock{}
	if _, err := clock.now(); !errors.Is(err, errNotTrusted) {
		t.Errorf("a clock that was never set: %v, want %v", err, errNotTrusted)
	}
	guard := newEngineGuard(Options{Engine: identified{info: other}}, clock, requests.New())
	accept(guard, served)
	none := func() (Census, error) { return Census{}, nil }
	for _, ask := range []func() error{
		func() error { return guard.confirm(t.Context(), served.Identity()) },
		func() error { return guard.admit(t.Context(), introduction{other, reading{engine: other.Time}}, none) },
	} {
		if err := ask(); !errors.Is(err, errNotTrusted) {
			t.Errorf("another engine answers: %v, want %v", err, errNotTrusted)
		}
		if now, err := clock.now(); err != nil || time.Since(now) < time.Hour-time.Minute {
			t.Errorf("the engine has %s (%v), want %s and a moment", now, err, served.Time)
		}
	}
	corrected := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now().Add(time.Hour), Offset: time.Hour}
	guard = newEngineGuard(Options{Engine: identified{info: corrected}}, clock, requests.New())
	accept(guard, served)
	if err := guard.confirm(t.Context(), served.Identity()); err != nil {
		t.Error(err)
	}
	if now, err := clock.now(); err != nil || time.Until(now) < time.Hour-time.Minute {
		t.Errorf("the engine has %s (%v), want %s and a moment", now, err, corrected.Time)
	}
}

// lostRecords are those of a database that was restored to before they were made.
type lostRecords struct {
	EngineRecords

	known string
	err   error
}

func (r *lostRecords) RememberedEngine(context.Context) (string, error) { return r.known, r.err }

func (r *lostRecords) RememberEngine(_ context.Context, identity, _ string) error {
	if r.err == nil {
		r.known = identity
	}
	return r.err
}

func TestAnEngineIsStillKnownWhenItsRecordIsLost(t *testing.T) {
	t.Parallel()
	served, other := dockerwatch.Info{ID: "A", RootDir: "/"}, dockerwatch.Info{ID: "B", RootDir: "/"}
	records := &lostRecords{}
	guard := newEngineGuard(Options{Engine: identified{info: served}, Records: records}, &engineClock{}, requests.New())
	none := func() (Census, error) { return Census{}, nil }
	if err := guard.admit(t.Context(), introduction{Info: served}, none); err != nil {
		t.Fatal(err)
	}
	records.known, records.err = "", fmt.Errorf("read: %w", sessiondb.ErrNoLedger)
	for _, made := range []bool{false, true} {
		if made {
			records.err = nil
		}
		if err := guard.admit(t.Context(), introduction{Info: other}, none); !errors.Is(err, errNotTrusted) {
			t.Errorf("the tables are made again %t: another one is known: %v", made, err)
		}
		strange := func() (Census, error) { return Census{LiveClaims: 1}, nil } // of another database
		err := guard.admit(t.Context(), introduction{Info: served}, strange)
		if !errors.Is(err, errNotTrusted) || !strings.Contains(err.Error(), "no record any more") ||
			records.known != "" {
			t.Errorf("the tables are made again %t: it is accepted without any of the containers: %v", made, err)
		}
		if err := guard.admit(t.Context(), introduction{Info: served}, none); err != nil {
			t.Errorf("the tables are made again %t: the one that was served is not known any more: %v", made, err)
		}
	}
	if records.known != served.Identity() {
		t.Errorf("it is remembered as %q", records.known)
	}
}

// A connection that lives on leads to the engine that it was made to, so each change of who answers asks for a new one.
func TestAChangeOfTheEngineThatAnswersIsTold(t *testing.T) {
	t.Parallel()
	one, other := dockerwatch.Info{ID: "A", RootDir: "/"}, dockerwatch.Info{ID: "B", RootDir: "/"}
	ahead := one
	ahead.Time = one.Time.Add(time.Hour)
	for _, tt := range []struct {
		reason  string
		answers []dockerwatch.Info
		want    int
	}{
		{"the engine that is served answers on and on", []dockerwatch.Info{one, one}, 0},
		{"another one answers once, and again", []dockerwatch.Info{other, other}, 1},
		{"another one answers, and then the one that is served", []dockerwatch.Info{other, one}, 2},
		{"they answer by turns", []dockerwatch.Info{other, one, other, one}, 4},
		{"the clock of the one that is served is set, and stays so", []dockerwatch.Info{ahead, ahead}, 1},
		{"its clock is set, and put right", []dockerwatch.Info{ahead, one}, 2},
	} {
		for name, ask := range map[string]func(*engineGuard, dockerwatch.Info){
			"check": func(g *engineGuard, who dockerwatch.Info) {
				g.engine = identified{info: who}
				g.mu.Lock()
				g.accepted, g.refusal = one.Identity(), nil
				g.mu.Unlock()
				_ = g.confirm(t.Context(), "")
			},
			"sweep": func(g *engineGuard, who dockerwatch.Info) {
				_ = g.admit(t.Context(), introduction{who, reading{engine: who.Time, local: time.Now()}},
					func() (Census, error) { return Census{LiveClaims: 1}, nil })
			},
		} {
			o := Options{Engine: identified{info: one}, Identity: one.Identity()}
			guard := newEngineGuard(o, &engineClock{}, requests.New())
			accept(guard, one)
			told := 0
			for _, who := range tt.answers {
				ask(guard, who)
				sweep, redial := taken(guard.requests.Sweeps()), taken(guard.requests.Redials())
				if sweep != redial {
					t.Errorf("%s, seen by a %s: a sweep is asked for: %t, a new stream: %t", tt.reason, name, sweep, redial)
				}
				if sweep {
					told++
				}
			}
			if told != tt.want {
				t.Errorf("%s, seen by a %s: told %d times, want %d", tt.reason, name, told, tt.want)
			}
		}
	}
}
