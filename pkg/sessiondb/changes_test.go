package sessiondb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// heard is what a feed told: "change ID", "gap", or "SOURCE up" and "SOURCE down".
type heard struct {
	t     *testing.T
	words chan string
	err   error // of the last state; read after its word
}

// follow runs a feed until the test ends, and fails the test if the feed outlives its context.
func (f *fixture) follow(poll time.Duration) *heard {
	f.t.Helper()
	h := &heard{t: f.t, words: make(chan string, 1000)}
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- f.store.Changes(ctx, sessiondb.ChangeHandlers{
			OnChange: func(id string) { h.words <- "change " + id },
			OnGap:    func() { h.words <- "gap" },
			OnState: func(s sessiondb.ChangeState) {
				h.err = s.Err
				h.words <- string(s.Source) + map[bool]string{true: " up", false: " down"}[s.Connected]
			},
			PollInterval: poll,
		})
	}()
	f.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				f.t.Errorf("Changes = %v, want nil after its context has ended", err)
			}
		case <-time.After(9 * time.Second): // the socket's own deadline, at the most
			f.t.Error("Changes did not end with its context")
		}
	})
	return h
}

// expect waits for exactly these words, in this order, for a time that is long for any machine.
func (h *heard) expect(reason string, want ...string) {
	h.t.Helper()
	h.within(time.Minute, reason, want...)
}

// within is expect with a limit of its own.
func (h *heard) within(limit time.Duration, reason string, want ...string) {
	h.t.Helper()
	var got []string
	over := time.After(limit)
	for len(got) < len(want) {
		select {
		case word := <-h.words:
			got = append(got, word)
		case <-over:
			h.t.Fatalf("%s: heard %q and no more, want %q", reason, got, want)
		}
		if diff := gocmp.Diff(want[:len(got)], got); diff != "" {
			h.t.Fatalf("%s (-want +got):\n%s", reason, diff)
		}
	}
}

func (f *fixture) migrate(opts sessiondb.MigrateOptions) []sessiondb.Step {
	f.t.Helper()
	steps, err := sessiondb.Migrate(f.t.Context(), f.config, opts)
	if err != nil {
		f.t.Fatal(err)
	}
	return steps
}

func (f *fixture) set(id, column string, value any) {
	f.t.Helper()
	f.exec(fmt.Sprintf(`UPDATE %s SET "%s" = $1 WHERE id = $2`, f.quoted(), column), value, id)
}

func TestEveryChangeOfStatusOrClaimIsNotifiedAtOnce(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		if s.sqlite {
			continue // it has no notifications
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := open(t, s)
			f.migrate(sessiondb.MigrateOptions{})
			h := f.follow(time.Hour)
			h.expect("what happened before is unknown", "notify up", "gap")
			f.insert(f.id(1), "ACTIVE", "claim")
			id := f.get(f.id(1)).ID
			f.set(id, f.column.Status, "IDLE")
			f.set(id, f.column.Status, "IDLE")
			f.set(id, f.column.ContainerID, "x")
			f.exec(fmt.Sprintf(`UPDATE %s SET id = id WHERE id = $1`, f.quoted()), id)
			f.exec(fmt.Sprintf(`DELETE FROM %s WHERE id = $1`, f.quoted()), id)
			row := "change " + f.id(1)
			h.expect("insert, status, claim and delete are told, what changes nothing is not", row, row, row, row)
			f.insert(f.id(2), "ACTIVE", "y")
			h.expect("nothing else was told", "change "+f.id(2))
		})
	}
}

func TestAnIDThatFitsIntoNoNotificationIsAGap(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/plain"))
	f.migrate(sessiondb.MigrateOptions{})
	h := f.follow(time.Hour)
	h.expect("connected", "notify up", "gap")
	f.exec(`ALTER TABLE sessions DROP CONSTRAINT sessions_pkey`) // an index would not hold such ids
	f.insert(strings.Repeat("x", 7999), "ACTIVE", "a")
	h.expect("the longest that fits", "change "+strings.Repeat("x", 7999))
	f.insert(strings.Repeat("é", 4000), "ACTIVE", "b")
	h.expect("one byte more", "gap")
}

func TestALostFeedComesBackWithAGap(t *testing.T) {
	t.Parallel()
	f, p := openThrough(t, sessiondb.Timing{})
	f.migrate(sessiondb.MigrateOptions{})
	h := f.follow(time.Hour)
	h.expect("connected", "notify up", "gap")
	for range 3 {
		p.cut()
		h.expect("a lost connection is told, and what was missed is unknown", "notify down", "notify up", "gap")
	}
	f.insert("a", "ACTIVE", "x")
	h.expect("and it hears again", "change a")
	p.freeze(true) // the cleanup sees it end although nobody answers
}

// Nothing that is sent arrives on either side, and no connection ends by itself: only a ping can tell that from
// silence.
func TestOutageOfAHalfOpenFeedIsNoticedAndEndsWithAGap(t *testing.T) {
	t.Parallel()
	timing, silence := sessiondb.Timing{Ping: time.Second}, 2500*time.Millisecond
	if testenv.FullOutages() {
		timing, silence = sessiondb.Timing{}, 25*time.Second
	}
	f, p := openThrough(t, timing)
	f.migrate(sessiondb.MigrateOptions{})
	h := f.follow(time.Hour)
	h.expect("connected", "notify up", "gap")
	p.freeze(true)
	// A read has two and a half pings, and began when something was last heard: every ping is answered until the freeze. A
	// busy machine gets as much again as expect gives it.
	h.within(silence+time.Minute, "nobody answers, and nobody hangs up", "notify down")
	p.freeze(false)
	h.expect("what was missed is unknown", "notify up", "gap")
	f.insert("a", "ACTIVE", "x")
	h.expect("and it hears again", "change a")
}

// A listener of lib/pq waits for a connection for ever, and must not be waited for.
func TestAFeedThatGetsNoConnectionToListenOnTriesAgain(t *testing.T) {
	t.Parallel()
	f, p := openThrough(t, sessiondb.Timing{MaxBackoff: 200 * time.Millisecond})
	f.migrate(sessiondb.MigrateOptions{})
	h := f.follow(time.Hour)
	h.expect("connected", "notify up", "gap")
	p.close(true)
	f.exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND query LIKE 'LISTEN%'`)
	h.expect("the store still reads, and nothing can be listened on", "notify down")
	f.insert("a", "ACTIVE", "x")
	// By a connection that is there: while the feed uses it, another would be needed.
	for deadline := time.Now().Add(time.Minute); ; {
		if _, err := f.store.Get(f.t.Context(), "a"); err == nil {
			break
		} else if !errors.Is(err, sessiondb.ErrUnreachable) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	p.close(false)
	h.expect("it is back", "notify up", "gap")
}

func TestAFeedThatHearsNothingPolls(t *testing.T) {
	t.Parallel()
	f, p := openThrough(t, sessiondb.Timing{Echo: time.Second})
	f.migrate(sessiondb.MigrateOptions{})
	p.deafen()
	h := f.follow(10 * time.Millisecond)
	h.expect("a PgBouncer in transaction mode takes LISTEN and carries no notification", "poll up")
	if !errors.Is(h.err, sessiondb.ErrNotDelivered) {
		t.Errorf("the reason is %v, want ErrNotDelivered", h.err)
	}
	f.insert("a", "TERMINATED", "x")
	h.expect("so it polls", "change a")
}

func TestThePollFindsWhatEndedAndClaims(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		f.insert(f.id(1), "TERMINATED", "one")
		f.insert(f.id(2), "ACTIVE", "two")
		f.insert(f.id(3), "TERMINATED", "")
		h := f.follow(5 * time.Millisecond)
		h.expect("a row that ended before", "change "+f.id(1), "poll up")
		f.set(f.id(2), f.column.Status, "ERROR")
		h.expect("a row that ended now, and no row twice", "change "+f.id(2))
		f.set(f.id(1), f.column.ContainerID, "another")
		h.expect("a row that claims something else", "change "+f.id(1))
		if _, err := f.store.Release(f.t.Context(), f.get(f.id(1))); err != nil {
			f.t.Fatal(err)
		}
		f.insert(f.id(4), "TERMINATED", "four")
		h.expect("a released row is no news, a new one is", "change "+f.id(4))
	})
}

func TestAPollThatFailsSaysSoAndComesBackWithAGap(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/plain"))
	h := f.follow(5 * time.Millisecond)
	h.expect("connected", "poll up")
	f.exec(`ALTER TABLE sessions RENAME TO hidden`)
	h.expect("the table is gone", "poll down")
	f.exec(`ALTER TABLE hidden RENAME TO sessions`)
	h.expect("it is back", "gap", "poll up")
}

func TestAFeedFollowsTheTrigger(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/plain"))
	f.config.Timing = sessiondb.Timing{TriggerCheck: time.Second, Ping: time.Second}
	f.open()
	h := f.follow(20 * time.Millisecond)
	h.expect("without a trigger it polls", "poll up")
	f.migrate(sessiondb.MigrateOptions{})
	h.expect("the trigger was installed", "notify up", "gap")
	f.migrate(sessiondb.MigrateOptions{Uninstall: true})
	h.expect("the trigger was taken away", "poll up")
}
