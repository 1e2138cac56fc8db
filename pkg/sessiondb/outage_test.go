package sessiondb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

func TestOutageOfAServerThatStopsAnsweringEndsWithinTheDeadline(t *testing.T) {
	t.Parallel()
	// Two seconds for a slow machine come to the deadline, and to the second by which its socket outlives it.
	timing, limit := sessiondb.Timing{Read: time.Second, Write: time.Second}, 4*time.Second
	if testenv.FullOutages() {
		timing, limit = sessiondb.Timing{}, 8*time.Second
	}
	f, p := openThrough(t, timing)
	f.insert("a", "ACTIVE", "x")
	row := f.get("a")

	p.freeze(true)
	calls := map[string]func() error{
		"Get":             func() error { _, err := f.store.Get(t.Context(), "a"); return err },
		"Fail":            func() error { _, err := f.store.Fail(t.Context(), row, died()); return err },
		"Claimants":       func() error { _, err := f.store.Claimants(t.Context(), []string{"x"}); return err },
		"UnknownStatuses": func() error { _, err := f.store.UnknownStatuses(t.Context()); return err },
		"Claiming":        func() error { _, err := collect(t.Context(), f.store); return err },
	}
	var wg sync.WaitGroup
	for name, call := range calls {
		wg.Go(func() {
			begun := time.Now()
			if err := call(); !errors.Is(err, sessiondb.ErrUnreachable) {
				t.Errorf("%s = %v, want ErrUnreachable", name, err)
			}
			if took := time.Since(begun); took > limit {
				t.Errorf("%s took %v, want less than %v", name, took, limit)
			}
		})
	}
	wg.Wait()

	p.freeze(false)
	if got := f.get("a"); got != row {
		t.Errorf("after the outage the row is %+v, want %+v: nothing had reached the server", got, row)
	}
}

func TestALostConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	f, p := openThrough(t, sessiondb.Timing{})
	f.insert("a", "ACTIVE", "x")
	row := f.get("a")
	p.cut()
	if _, err := f.store.Fail(t.Context(), row, sessiondb.Failure{Claim: fullID}); err != nil {
		t.Errorf("Fail over a connection that was cut while idle = %v, want it done over a new one", err)
	}
}

func TestAStreamThatBreaksEndsInAnError(t *testing.T) {
	t.Parallel()
	f, p := openThrough(t, sessiondb.Timing{})
	// Far more than the sockets on the way can hold.
	f.exec(`INSERT INTO sessions SELECT 's' || i, 'ACTIVE', repeat('c', 1000) || i FROM generate_series(1, 50000) i`)
	var err error
	seen := 0
	for row, e := range f.store.Claiming(t.Context()) {
		if err = e; err != nil {
			if row != (sessiondb.Row{}) {
				t.Errorf("an error came with the row %+v", row)
			}
			break
		}
		if seen++; seen == 1 {
			p.cut()
		}
	}
	if !errors.Is(err, sessiondb.ErrUnreachable) {
		t.Errorf("the stream ended after %d rows with %v, want ErrUnreachable: a part must not pass for the whole", seen, err)
	}
}

func TestABackendThatIsTerminatedWritesNothingWrong(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/plain"))
	f.insert("a", "ACTIVE", "claim")
	row := f.get("a")
	tx, err := f.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `UPDATE sessions SET container_id = 'revived' WHERE id = 'a'`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := f.store.Fail(t.Context(), row, sessiondb.Failure{Claim: fullID})
		done <- err
	}()
	f.awaitBlocked()
	f.exec(
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'session-controller'`,
	)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, sessiondb.ErrConflict) && !errors.Is(err, sessiondb.ErrUnreachable) {
		t.Errorf("Fail = %v, want ErrConflict or ErrUnreachable", err)
	}
	if status, claim := f.stored("a"); status.String != "ACTIVE" || claim.String != "revived" {
		t.Errorf("the row is %s %s, want the session server's own ACTIVE revived", status.String, claim.String)
	}
	if got := f.get("a"); got.Claim != "revived" {
		t.Errorf("afterwards Get = %+v, want the row", got)
	}
}

func TestALockThatIsNotGivenUpEndsInErrUnreachable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres/plain", "sqlite/origin"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := create(t, plainOf(t, name))
			f.config.Timing.Write = time.Second
			f.open()
			f.insert("a", "ACTIVE", "claim")
			row := f.get("a")
			tx, err := f.raw.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.ExecContext(
				t.Context(),
				fmt.Sprintf(`UPDATE %s SET "%s" = 'claim' WHERE id = 'a'`, f.quoted(), f.column.ContainerID),
			); err != nil {
				t.Fatal(err)
			}
			if _, err := f.store.Fail(t.Context(), row, died()); !errors.Is(err, sessiondb.ErrUnreachable) {
				t.Errorf("Fail = %v, want ErrUnreachable", err)
			}
			if got := f.get("a"); got != row {
				t.Errorf("Get = %+v, want %+v: a locked row can be read", got, row)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			if _, err := f.store.Fail(t.Context(), row, sessiondb.Failure{Claim: fullID}); err != nil {
				t.Errorf("Fail after the lock was given up = %v", err)
			}
		})
	}
}

func TestACallersOwnDeadline(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/plain"))
	f.exec(`CREATE VIEW slow AS SELECT id, status || pg_sleep(60)::text AS status, container_id FROM sessions`)
	f.insert("a", "ACTIVE", "x")
	f.config.Table = "slow"
	f.exec(`CREATE RULE r AS ON UPDATE TO slow DO INSTEAD NOTHING`)
	store, err := sessiondb.Open(t.Context(), f.config)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, store)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := store.Get(ctx, "a"); !errors.Is(err, sessiondb.ErrUnreachable) {
		t.Errorf("Get = %v, want ErrUnreachable: the database did not answer in time", err)
	}
}

func TestAnUnreachableServer(t *testing.T) {
	t.Parallel()
	refused := listen(t)
	closed(t, refused) // nobody listens there now
	silent := listen(t)
	t.Cleanup(func() { closed(t, silent) })
	for _, tc := range []struct{ reason, host, query string }{
		{"connection refused", refused.Addr().String(), ""},
		{"a name that does not exist", "no-such-host.invalid", ""},
		{"accepts and says nothing", silent.Addr().String(), "?connect_timeout=1&sslmode=disable"},
		{"accepts and says nothing to TLS either", silent.Addr().String(), "?connect_timeout=1"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			cfg := sessiondb.DefaultConfig()
			cfg.URL = "postgres://app:hunter2@" + tc.host + "/sessions" + tc.query
			begun := time.Now()
			_, err := sessiondb.Open(t.Context(), cfg)
			if !errors.Is(err, sessiondb.ErrUnreachable) {
				t.Errorf("Open = %v, want ErrUnreachable", err)
			}
			if took := time.Since(begun); took > 7*time.Second {
				t.Errorf("Open took %v, want less than its deadline", took)
			}
			if strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "database sessions at ") {
				t.Errorf("%v\nmust name the database and not the password", err)
			}
			if _, err := sessiondb.CreateSessionsTable(t.Context(), cfg); !errors.Is(err, sessiondb.ErrUnreachable) {
				t.Errorf("CreateSessionsTable = %v, want ErrUnreachable", err)
			}
		})
	}
}

func TestAServerThatRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason, code, query, want string
		unreachable               bool
	}{
		{reason: "a wrong password", code: "28P01", query: "?sslmode=disable", want: "check user and password"},
		{reason: "a database that does not exist", code: "3D000", query: "?sslmode=disable", want: "check the name"},
		{reason: "no TLS", code: "", want: "sslmode=disable"},
		{reason: "starting up", code: "57P03", query: "?sslmode=disable", unreachable: true},
		{reason: "too many connections", code: "53300", query: "?sslmode=disable", unreachable: true},
		{reason: "a failure of the connection", code: "08006", query: "?sslmode=disable", unreachable: true},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			cfg := sessiondb.DefaultConfig()
			cfg.URL = "postgres://app:hunter2@" + refusing(t, tc.code, "refused") + "/sessions" + tc.query
			_, opened := sessiondb.Open(t.Context(), cfg)
			_, created := sessiondb.CreateSessionsTable(t.Context(), cfg)
			for _, err := range []error{opened, created} {
				if err == nil {
					t.Fatal("it succeeded")
				}
				if errors.Is(err, sessiondb.ErrUnreachable) != tc.unreachable {
					t.Errorf("%v: ErrUnreachable must be %v", err, tc.unreachable)
				}
				if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%v\nmust say %q and not the password", err, tc.want)
				}
			}
		})
	}
}
