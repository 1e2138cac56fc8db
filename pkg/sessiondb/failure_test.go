package sessiondb_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/lib/pq"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func died() sessiondb.Failure {
	return sessiondb.Failure{
		Claim: fullID, Reason: "ContainerExited", Message: `container exited with code 137 (out of memory), "é" at 2026`,
	}
}

// reasoned is the fixture's table with a column for the reason.
func reasoned(t *testing.T, s shape, typ string) *fixture {
	t.Helper()
	f := create(t, s)
	f.exec(fmt.Sprintf(`ALTER TABLE %s ADD COLUMN why %s`, f.quoted(), typ))
	f.config.Columns.Reason = "why"
	return f
}

func (f *fixture) open() { // with the configuration as it is now
	f.t.Helper()
	store, err := sessiondb.Open(f.t.Context(), f.config)
	if err != nil {
		f.t.Fatal(err)
	}
	f.store = store
	f.t.Cleanup(func() { closed(f.t, store) }) // another one may be open by then
}

func (f *fixture) why(id string) (why sql.NullString) {
	f.t.Helper()
	query := fmt.Sprintf(`SELECT why FROM %s WHERE id = $1`, f.quoted())
	if err := f.raw.QueryRowContext(f.t.Context(), query, id).Scan(&why); err != nil {
		f.t.Fatal(err)
	}
	return why
}

func TestOnlyFailWritesTheReason(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := reasoned(t, s, "varchar(200)")
			f.open()
			f.insert(f.id(1), "ACTIVE", "x")
			row, err := f.store.SetClaim(t.Context(), f.get(f.id(1)), "y")
			if err != nil {
				t.Fatal(err)
			}
			if why := f.why(f.id(1)); why.Valid {
				t.Errorf("SetClaim wrote %q", why.String)
			}
			if row, err = f.store.Fail(t.Context(), row, died()); err != nil {
				t.Fatal(err)
			}
			if _, err = f.store.Release(t.Context(), row); err != nil {
				t.Fatal(err)
			}
			if why := f.why(f.id(1)); why.String != died().Message {
				t.Errorf("the reason is %q, want %q to stay", why.String, died().Message)
			}
		})
	}
}

func TestAMessageIsCutToItsColumn(t *testing.T) {
	t.Parallel()
	f := reasoned(t, plainOf(t, "postgres/plain"), "varchar(7)")
	f.open()
	f.insert("a", "ACTIVE", "x")
	if _, err := f.store.Fail(t.Context(), f.get("a"), sessiondb.Failure{Message: "ééééééééé"}); err != nil {
		t.Fatal(err)
	}
	if why := f.why("a"); why.String != "ééééééé" {
		t.Errorf("the reason is %q, want as much as fits", why.String)
	}
}

func TestAFailureIsToldInItsTransaction(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		if s.sqlite {
			continue // it has no notifications, and the configuration is refused
		}
		for _, column := range []bool{false, true} {
			t.Run(fmt.Sprint(s.name, column), func(t *testing.T) {
				t.Parallel()
				f := create(t, s)
				if column {
					f = reasoned(t, s, "text")
				}
				f.config.NotifyChannel = "Sessions failed"
				f.open()
				told := f.listen(f.config.NotifyChannel)
				f.insert(f.id(1), "ACTIVE", "x")
				before := f.get(f.id(1))
				got, err := f.store.Fail(t.Context(), before, died())
				if err != nil {
					t.Fatal(err)
				}
				want := map[string]string{
					"session": got.ID, "status": "ERROR", "reason": "ContainerExited", "message": died().Message,
				}
				if diff := gocmp.Diff(want, payload(t, told)); diff != "" {
					t.Errorf("the payload (-want +got):\n%s", diff)
				}
				if _, err := f.store.Fail(t.Context(), before, died()); err == nil {
					t.Error("a lost race went unnoticed")
				}
				f.insert(f.id(2), "ACTIVE", "x")
				if _, err := f.store.Fail(t.Context(), f.get(f.id(2)), sessiondb.Failure{}); err != nil {
					t.Fatal(err)
				}
				if got := payload(t, told)["session"]; got != f.get(f.id(2)).ID {
					t.Errorf("told of %s next: a write that hit no row was told", got)
				}
			})
		}
	}
}

func TestAnIDThatFitsIntoNoPayloadIsFailedAllTheSame(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/plain"))
	f.config.NotifyChannel = "failed"
	f.open()
	f.exec(`ALTER TABLE sessions DROP CONSTRAINT sessions_pkey`) // an index would not hold such an id
	long := strings.Repeat("x", 8000)
	f.insert(long, "ACTIVE", "x")
	if _, err := f.store.Fail(t.Context(), f.get(long), died()); err != nil {
		t.Errorf("%v, want it failed without being told", err)
	}
}

func TestAReasonAndAChannelThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	f := reasoned(t, plainOf(t, "postgres/plain"), "integer")
	if _, err := sessiondb.Open(t.Context(), f.config); err == nil || !strings.Contains(err.Error(), "needs a text type") {
		t.Errorf("a number for a sentence: %v", err)
	}
	for _, tc := range []struct{ url, channel, want string }{
		{"file:data.db", "failed", "which has no notifications"},
		{"postgres://localhost/app", strings.Repeat("x", 64), "at most 63 bytes"},
	} {
		cfg := sessiondb.DefaultConfig()
		cfg.URL, cfg.NotifyChannel = tc.url, tc.channel
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s on %s: %v, want it to say %q", tc.channel, tc.url, err, tc.want)
		}
	}
}

// listen hears a channel as a session server does.
func (f *fixture) listen(channel string) <-chan *pq.Notification {
	f.t.Helper()
	url, _, _ := strings.Cut(f.config.URL, "?")
	l := pq.NewListener(url+"?sslmode=disable", time.Second, time.Second, nil)
	f.t.Cleanup(func() { closed(f.t, l) })
	if err := l.Listen(channel); err != nil {
		f.t.Fatal(err)
	}
	return l.Notify
}

func payload(t *testing.T, told <-chan *pq.Notification) (fields map[string]string) {
	t.Helper()
	select {
	case n := <-told:
		if err := json.Unmarshal([]byte(n.Extra), &fields); err != nil {
			t.Fatalf("%q: %v", n.Extra, err)
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing was told")
	}
	return fields
}
