package identity

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
	guard := New(Options{Engine: identified{info: other}, Requests: requests.New()})
	if _, err := guard.Now(); !errors.Is(err, ErrNotTrusted) {
		t.Errorf("a clock that was never set: %v, want %v", err, ErrNotTrusted)
	}
	accept(guard, served)
	none := func() (ClaimSurvey, error) { return ClaimSurvey{}, nil }
	guard.records = &lostRecords{known: served.Identity()}
	err := guard.Admit(t.Context(), Introduction{other, reading{engine: other.Time}}, none)
	if !errors.Is(err, ErrNotTrusted) {
		t.Errorf("another engine answers: %v, want %v", err, ErrNotTrusted)
	}
	if now, err := guard.Now(); err != nil || time.Since(now) < time.Hour-time.Minute {
		t.Errorf("the engine has %s (%v), want %s and a moment", now, err, served.Time)
	}
	corrected := dockerwatch.Info{ID: "A", RootDir: "/", Time: time.Now().Add(time.Hour), Offset: time.Hour}
	who, err := Introduce(t.Context(), identified{info: corrected})
	if err != nil {
		t.Fatal(err)
	}
	if err := guard.Admit(t.Context(), who, none); err != nil {
		t.Error(err)
	}
	if now, err := guard.Now(); err != nil || time.Until(now) < time.Hour-time.Minute {
		t.Errorf("the engine has %s (%v), want %s and a moment", now, err, corrected.Time)
	}
}

// lostRecords are those of a database that was restored to before they were made.
type lostRecords struct {
	Records

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
	guard := New(Options{Engine: identified{info: served}, Records: records, Requests: requests.New()})
	none := func() (ClaimSurvey, error) { return ClaimSurvey{}, nil }
	if err := guard.Admit(t.Context(), Introduction{Info: served}, none); err != nil {
		t.Fatal(err)
	}
	records.known, records.err = "", fmt.Errorf("read: %w", sessiondb.ErrNoLedger)
	for _, made := range []bool{false, true} {
		if made {
			records.err = nil
		}
		if err := guard.Admit(t.Context(), Introduction{Info: other}, none); !errors.Is(err, ErrNotTrusted) {
			t.Errorf("the tables are made again %t: another one is known: %v", made, err)
		}
		strange := func() (ClaimSurvey, error) { return ClaimSurvey{LiveClaims: 1}, nil } // of another database
		err := guard.Admit(t.Context(), Introduction{Info: served}, strange)
		if !errors.Is(err, ErrNotTrusted) || !strings.Contains(err.Error(), "no record any more") ||
			records.known != "" {
			t.Errorf("the tables are made again %t: it is accepted without any of the containers: %v", made, err)
		}
		if err := guard.Admit(t.Context(), Introduction{Info: served}, none); err != nil {
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
		for name, ask := range map[string]func(*Guard, dockerwatch.Info){
			"sweep": func(g *Guard, who dockerwatch.Info) {
				_ = g.Admit(t.Context(), Introduction{who, reading{engine: who.Time, local: time.Now()}},
					func() (ClaimSurvey, error) { return ClaimSurvey{LiveClaims: 1}, nil })
			},
		} {
			guard := New(Options{Engine: identified{info: one}, Pin: one.Identity(), Requests: requests.New()})
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

// taken reports whether a request waits, and takes it.
func taken(requests <-chan struct{}) bool {
	select {
	case <-requests:
		return true
	default:
		return false
	}
}
