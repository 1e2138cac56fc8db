package sessiondb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func TestAWriteThatHasBegunIsFinished(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres/plain", "sqlite/origin"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, plainOf(t, name))
			f.insert("a", "ACTIVE", "claim")
			row := f.get("a")

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := f.store.Fail(ctx, row, sessiondb.Failure{Claim: fullID}); !errors.Is(err, context.Canceled) {
				t.Errorf("Fail with a context done on entry = %v, want context.Canceled", err)
			}
			if status, _ := f.stored("a"); status.String != "ACTIVE" {
				t.Fatalf("status is %s, want ACTIVE: nothing had begun", status.String)
			}

			// The row is locked by the session server, so that the write is waiting when its context is cancelled.
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
			ctx, cancel = context.WithCancel(t.Context())
			begun, done := make(chan struct{}), make(chan error, 1)
			go func() {
				//nolint:contextcheck // it is ctx that is inside
				_, err := f.store.Fail(&signalling{Context: ctx, asked: begun}, row, sessiondb.Failure{Claim: fullID})
				done <- err
			}()
			<-begun
			cancel()
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Errorf("Fail = %v, want it finished although its context was cancelled meanwhile", err)
			}
			if status, _ := f.stored("a"); status.String != "ERROR" {
				t.Errorf("status is %s, want ERROR", status.String)
			}
		})
	}
}

// signalling says when its Err was first asked: the moment at which a write decides to begin.
type signalling struct {
	context.Context //nolint:containedctx // it is one

	once  sync.Once
	asked chan struct{}
}

func (s *signalling) Err() error {
	err := s.Context.Err()
	s.once.Do(func() { close(s.asked) })
	return err
}

func TestASerializationFailureIsALostRace(t *testing.T) {
	t.Parallel()
	s := plainOf(t, "postgres/plain")
	s.query = "options=" + "-c%20default_transaction_isolation%3Drepeatable%5C%20read"
	f := open(t, s)
	f.insert("a", "ACTIVE", "claim")
	row := f.get("a")
	tx, err := f.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `UPDATE sessions SET container_id = 'another' WHERE id = 'a'`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := f.store.Fail(t.Context(), row, sessiondb.Failure{Claim: fullID})
		done <- err
	}()
	f.awaitBlocked()
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, sessiondb.ErrConflict) {
		t.Errorf("Fail = %v, want ErrConflict", err)
	}
}
