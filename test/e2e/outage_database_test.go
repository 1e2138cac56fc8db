package e2e

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// brittle is the configuration of a database that goes away. The short form waits for it as long as a busy machine may
// need, and tries a listening connection so often that a lost one is noticed after 5 s instead of 25 s.
func brittle(url string) sessiondb.Config {
	cfg := sessiondb.DefaultConfig()
	cfg.URL = url
	cfg.Timing = inForm(sessiondb.Timing{
		Read: 2 * time.Second, Write: 2 * time.Second, Ping: 2 * time.Second, MaxBackoff: maxBackoff,
	}, sessiondb.Timing{})
	return cfg
}

// followed makes the world hear of changes by the trigger, and of nothing by a sweep unless one is asked for.
func followed(t *testing.T, url string) *world {
	t.Helper()
	cfg := brittle(url)
	w := newWorldWith(t, cfg, "postgres")
	if _, err := sessiondb.Migrate(t.Context(), cfg, sessiondb.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.opts.Changes, w.opts.PollInterval, w.opts.ResyncPeriod = w.store, time.Hour, time.Hour
	w.opts.MaxBackoff = maxBackoff
	w.server.SetMaxIdleConns(0) // a connection that was lost meanwhile is none of the session server's troubles here
	return w
}

// TestOutageADatabaseThatIsKilledOrRestartedLosesNothing ends the server in the middle of the effects of one group of
// sessions, and more go wrong before it is back.
func TestOutageADatabaseThatIsKilledOrRestartedLosesNothing(t *testing.T) {
	t.Parallel()
	p := testenv.StartPostgres(t)
	w := followed(t, p.URL())
	unharmed := w.healthy(quietly(2)...)
	type round struct {
		name         string
		end          func()
		before, away []accident
	}
	rounds := []round{{name: "a kill", end: p.Kill}, {name: "a restart", end: p.Stop}, {name: "another kill", end: p.Kill}}
	rounds = rounds[:inForm(2, 3)] // the third shows that it can happen again and again
	// In the short form, most of what is under way are writes for containers that cost nothing to make.
	kinds := inForm([]func() accident{w.ends, w.neverStarts, w.endsUnstarted, w.forgets}, nil)
	for n := range rounds {
		rounds[n].before, rounds[n].away = w.accidents(1, kinds...), w.accidents(1, w.crashes, w.vanishes)
	}
	w.start(w.engine)
	want := make([]settled, 0, 21)
	for n, r := range rounds {
		want = append(want, happen(r.before)...)
		r.end()
		want = append(want, happen(r.away)...)
		w.until("the outage is noticed", func() bool { return len(w.log.with("Change feed disconnected")) > n })
		soon(t, time.Second)
		p.Start()
		t.Logf("after %s everything is as it must be within %s", r.name, w.settles(afterBackoff, want))
		w.within(afterBackoff, "changes are heard of again", func() bool {
			return len(w.log.with("Change feed connected")) > n+1
		})
		unharmed()
	}
	w.wantOneFailureEach(want)
}

func TestOutageConnectionsThatAreTerminatedAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := followed(t, testenv.PostgresURL(t))
	unharmed := w.healthy(quietly(2)...)
	all := w.accidents(inForm(1, 4)) // with each accident, every connection is ended five times
	w.start(w.engine)
	want := make([]settled, 0, len(all))
	ended := 0
	for _, a := range all {
		want = append(want, happen([]accident{a})...)
		before := ended
		w.within(afterBackoff, "there is a connection to be ended", func() bool {
			ended += w.terminates()
			return ended > before
		})
		for range 4 { // and those that take its place
			soon(t, 20*time.Millisecond)
			ended += w.terminates()
		}
	}
	took := w.settles(afterBackoff, want)
	t.Logf("%d connections ended; everything as it must be after %s", ended, took)
	unharmed()
	w.wantOneFailureEach(want)
}

// terminates ends the connections of the controller, and returns how many there were.
func (w *world) terminates() (ended int) {
	w.Helper()
	err := w.server.QueryRowContext(w.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'session-controller'`).Scan(&ended)
	if err != nil {
		w.Fatal(err)
	}
	return ended
}

// TestOutageAServerWithoutAConnectionToSpare gives others every connection that there is.
func TestOutageAServerWithoutAConnectionToSpare(t *testing.T) {
	t.Parallel()
	const most = 20
	w := followed(t, testenv.StartPostgres(t, fmt.Sprint("max_connections=", most)).URL())
	unharmed := w.healthy(quietly(2)...)
	all := w.accidents(inForm(1, 2), w.crashes, w.vanishes)
	w.start(w.engine)

	w.server.SetMaxIdleConns(most)
	var taken []*sql.Conn
	w.until("all connections are taken", func() bool {
		for {
			c, err := w.server.Conn(t.Context())
			if err != nil {
				break
			}
			taken = append(taken, c)
		}
		if len(taken) == most {
			return true
		}
		if len(taken) > 0 {
			_, _ = taken[0].ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = 'session-controller'`)
		}
		return false
	})
	give := func(c *sql.Conn) {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	give(taken[0]) // to the session server, which keeps it
	want := happen(all)
	rows := w.rowsOf(want)
	w.until("it is noticed", func() bool { return len(w.log.with("Change feed disconnected")) > 0 })
	const why = "too many clients"
	w.until("the reason is known", func() bool { return len(w.log.with(why)) > 0 })
	soon(t, inForm(time.Second, 2*time.Second))
	if now := w.rowsOf(want); now != rows {
		t.Errorf("without a connection, before:\n%s\nnow:\n%s\nlog:\n%s", rows, now, w.log)
	}

	w.server.SetMaxIdleConns(0)
	for _, c := range taken[1:] {
		give(c)
	}
	t.Logf("everything as it must be %s after there are connections", w.settles(afterBackoff, want))
	// By the sweep, and not at every try of it, unless one got a connection that was free for a moment. Each try is logged
	// at the debug level.
	said := len(w.log.with(why)) - len(w.log.with(why, `"level":1`))
	if succeeded := len(w.log.with("Sweeps succeed again")); said > max(1, succeeded) {
		t.Errorf("the reason was said %d times, and sweeps succeeded again %d times; log:\n%s", said, succeeded, w.log)
	}
	unharmed()
}
