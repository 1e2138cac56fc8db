package sessiondb_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// server opens the fixture's table as a session server does.
func (f *fixture) server() *sessiondb.Server {
	f.t.Helper()
	s, err := sessiondb.OpenServer(f.t.Context(), f.config)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { closed(f.t, s) })
	return s
}

func TestWhatAServerMaySaveAndClear(t *testing.T) {
	t.Parallel()
	const own, other = "claude-work-1", "claude-work-2"
	onEveryShape(t, func(f *fixture) {
		t, s := f.t, f.server()
		save := func(id string) error { return s.SaveContainerID(t.Context(), id, own) }
		free := func(id string) error { return s.ClearContainerID(t.Context(), id, own) }
		for n, tc := range []struct {
			reason, status, claim string
			do                    func(string) error
			want                  error
			then                  string
		}{
			{"a live session that claims nothing", "ACTIVE", "", save, nil, own},
			{"every live status", "IDLE", "", save, nil, own},
			{"saved again, after an answer that was lost", "ACTIVE", own, save, nil, own},
			{"somebody else was first", "ACTIVE", other, save, sessiondb.ErrClaimsAnother, other},
			{"the session has ended meanwhile", "TERMINATED", "", save, sessiondb.ErrNotLive, ""},
			{"an ended session, though it claims the same", "ERROR", own, save, sessiondb.ErrNotLive, own},
			{"a status that nobody knows", "SUSPENDED", "", save, sessiondb.ErrNotLive, ""},
			{"cleared before the server's own stop", "ACTIVE", own, free, nil, ""},
			{"cleared when the container is gone", "TERMINATED", own, free, nil, ""},
			{"cleared twice", "ACTIVE", "", free, nil, ""},
			{"the claim of another is not cleared", "ACTIVE", other, free, sessiondb.ErrClaimsAnother, other},
		} {
			id := f.id(n)
			f.insert(id, tc.status, tc.claim)
			if err := tc.do(id); !errors.Is(err, tc.want) || (err != nil) != (tc.want != nil) {
				t.Errorf("%s: %v, want %v", tc.reason, err, tc.want)
			}
			got, err := s.ContainerID(t.Context(), id)
			if err != nil || got != tc.then {
				t.Errorf("%s: then it claims %q, %v; want %q", tc.reason, got, err, tc.then)
			}
			if status, _ := f.stored(id); status.String != tc.status {
				t.Errorf("%s: the status became %q", tc.reason, status.String)
			}
		}
		if _, err := s.ContainerID(t.Context(), f.id(99)); !errors.Is(err, sessiondb.ErrNotFound) {
			t.Errorf("no such session: %v, want ErrNotFound", err)
		}
		if err := save(f.id(99)); !errors.Is(err, sessiondb.ErrNotFound) {
			t.Errorf("no such session: %v, want ErrNotFound", err)
		}
		for _, blank := range []string{"", " ", own + "\n"} {
			if s.SaveContainerID(t.Context(), f.id(0), blank) == nil || s.ClearContainerID(t.Context(), f.id(0), blank) == nil {
				t.Errorf("%q was taken for a container id", blank)
			}
		}
	})
}

func TestOfSeveralServersThatStartOneSessionOneWins(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t, s := f.t, f.server()
		f.insert(f.id(1), "ACTIVE", "")
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for n := range errs {
			wg.Go(func() { errs[n] = s.SaveContainerID(t.Context(), f.id(1), fmt.Sprint("claude-work-", n)) })
		}
		wg.Wait()
		claim, err := s.ContainerID(t.Context(), f.id(1))
		if err != nil {
			t.Fatal(err)
		}
		for n, err := range errs {
			if won := claim == fmt.Sprint("claude-work-", n); won != (err == nil) {
				t.Errorf("server %d: %v, and the session claims %s", n, err, claim)
			}
			if err != nil && !errors.Is(err, sessiondb.ErrClaimsAnother) {
				t.Errorf("server %d: %v, want ErrClaimsAnother", n, err)
			}
		}
	})
}

func TestASaveSurvivesAChangeOfStatusBesideIt(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/plain"))
	s := f.server()
	f.insert("a", "ACTIVE", "")
	tx, err := f.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `UPDATE sessions SET status = 'IDLE'`); err != nil {
		t.Fatal(err)
	}
	saved := make(chan error, 1)
	go func() { saved <- s.SaveContainerID(t.Context(), "a", "claude-work-1") }()
	f.awaitBlocked()
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-saved; err != nil {
		t.Errorf("%v, want it saved: the session is as live as before", err)
	}
}
