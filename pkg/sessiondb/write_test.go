package sessiondb_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

const fullID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func (f *fixture) released() sql.NullString { return sql.NullString{Valid: f.notNull} }

func TestFailPinsTheClaim(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		f.insert(f.id(1), "ACTIVE", "claude-work-1")
		f.insert(f.id(2), "ACTIVE", "claude-work-2")
		got, err := f.store.Fail(t.Context(), f.get(f.id(1)), sessiondb.Failure{Claim: fullID})
		if err != nil {
			t.Fatal(err)
		}
		want := sessiondb.Row{ID: f.id(1), Status: "ERROR", Kind: sessiondb.StatusEnded, Claim: fullID}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("the row as stored (-want +got):\n%s", diff)
		}
		if diff := gocmp.Diff(want, f.get(f.id(1))); diff != "" {
			t.Errorf("the row read again (-want +got):\n%s", diff)
		}
		if status, claim := f.stored(f.id(2)); status.String != "ACTIVE" || claim.String != "claude-work-2" {
			t.Errorf("another row became %v %v, want it untouched", status, claim)
		}
	})
}

func TestFailAndReleaseInOneStatement(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		f.insert(f.id(1), "IDLE", "gone")
		got, err := f.store.Fail(t.Context(), f.get(f.id(1)), sessiondb.Failure{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Status != "ERROR" || got.Claims() {
			t.Errorf("Fail returned %+v, want ERROR and no claim", got)
		}
		status, claim := f.stored(f.id(1))
		if diff := gocmp.Diff(
			[]sql.NullString{{String: "ERROR", Valid: true}, f.released()},
			[]sql.NullString{status, claim},
		); diff != "" {
			t.Errorf("status and claim in the table (-want +got):\n%s", diff)
		}
	})
}

func TestSetClaimAndRelease(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		f.insert(f.id(1), "TERMINATED", "by-name")
		pinned, err := f.store.SetClaim(t.Context(), f.get(f.id(1)), fullID)
		if err != nil {
			t.Fatal(err)
		}
		want := sessiondb.Row{ID: f.id(1), Status: "TERMINATED", Kind: sessiondb.StatusEnded, Claim: fullID}
		if diff := gocmp.Diff(want, pinned); diff != "" {
			t.Errorf("the pinned row (-want +got):\n%s", diff)
		}
		for _, blank := range []string{"", "  "} {
			if _, err := f.store.SetClaim(t.Context(), pinned, blank); err == nil {
				t.Errorf("SetClaim(%q) succeeded: a claim is only cleared by Release", blank)
			}
		}
		released, err := f.store.Release(t.Context(), pinned)
		if err != nil {
			t.Fatal(err)
		}
		want.Claim = ""
		if diff := gocmp.Diff(want, released); diff != "" {
			t.Errorf("the released row (-want +got):\n%s", diff)
		}
		if _, claim := f.stored(f.id(1)); claim != f.released() {
			t.Errorf("the claim in the table is %+v, want %+v", claim, f.released())
		}
	})
}

func TestALostRaceIsAConflictAndOverwritesNothing(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		writes := map[string]func(sessiondb.Row) error{
			"Fail": func(r sessiondb.Row) error {
				_, err := f.store.Fail(t.Context(), r, sessiondb.Failure{Claim: fullID})
				return err
			},
			"FailAndRelease": func(r sessiondb.Row) error {
				_, err := f.store.Fail(t.Context(), r, sessiondb.Failure{})
				return err
			},
			"SetClaim": func(r sessiondb.Row) error { _, err := f.store.SetClaim(t.Context(), r, fullID); return err },
			"Release":  func(r sessiondb.Row) error { _, err := f.store.Release(t.Context(), r); return err },
		}
		changes := []struct{ reason, set string }{
			{"the status changed", `"%[2]s" = 'TERMINATED'`},
			{"the claim changed", `"%[3]s" = 'another'`},
			{"the claim was cleared", `"%[3]s" = ''`},
			{"only the case of the claim changed", `"%[3]s" = 'CLAIM'`},
		}
		for n, change := range changes {
			id := f.id(n)
			f.insert(id, "ACTIVE", "claim")
			read := f.get(id)
			f.exec(
				fmt.Sprintf(`UPDATE %s SET `+change.set+` WHERE id = $1`, f.quoted(), f.column.Status, f.column.ContainerID),
				id,
			)
			status, claim := f.stored(id)
			for name, write := range writes {
				err := write(read)
				if !errors.Is(err, sessiondb.ErrConflict) {
					t.Errorf("%s: %s = %v, want ErrConflict", change.reason, name, err)
				}
				if err != nil && !strings.Contains(err.Error(), id) {
					t.Errorf("%s: %s = %v, want it to name the session", change.reason, name, err)
				}
			}
			if s, c := f.stored(id); s != status || c != claim {
				t.Errorf("%s: the row became %v %v, want it as it was: %v %v", change.reason, s, c, status, claim)
			}
		}
		if err := writes["Fail"](sessiondb.Row{ID: f.id(99), Status: "ACTIVE"}); !errors.Is(err, sessiondb.ErrConflict) {
			t.Errorf("Fail of a row that was deleted = %v, want ErrConflict", err)
		}
	})
}

func TestAnEmptyClaimAndAnEmptyStatusStandForNULL(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		f.insert(f.id(1), "ACTIVE", "")
		if _, err := f.store.SetClaim(t.Context(), f.get(f.id(1)), fullID); err != nil {
			t.Errorf("an empty claim: %v", err)
		}
		if !f.notNull {
			f.insert(f.id(2), "ACTIVE", nil)
			if _, err := f.store.SetClaim(t.Context(), f.get(f.id(2)), fullID); err != nil {
				t.Errorf("a NULL claim: %v", err)
			}
		}
		if f.nullStatus {
			f.insert(f.id(3), nil, "x")
			if _, err := f.store.Release(t.Context(), f.get(f.id(3))); err != nil {
				t.Errorf("a NULL status: %v", err)
			}
		}
	})
}

func TestAPaddedClaimIsWrittenAgainstAsItWasRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres/plain", "sqlite/plain"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, plainOf(t, name))
			f.insert("a", "ACTIVE", " padded\n")
			row := f.get("a")
			if row.Claim != " padded\n" {
				t.Fatalf("read %q, want it exactly as stored", row.Claim)
			}
			if _, err := f.store.Release(t.Context(), row); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOneOfSixteenWins(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		f.insert(f.id(1), "ACTIVE", "claim")
		read := f.get(f.id(1))
		errs := make([]error, 16)
		var wg sync.WaitGroup
		for n := range errs {
			wg.Go(func() {
				_, errs[n] = f.store.Fail(t.Context(), read, sessiondb.Failure{Claim: fmt.Sprint("winner-", n)})
			})
		}
		wg.Wait()
		_, claim := f.stored(f.id(1))
		won := 0
		for n, err := range errs {
			switch {
			case err == nil:
				won++
				if want := fmt.Sprint("winner-", n); claim.String != want {
					t.Errorf("the claim is %q, want that of the winner, %q", claim.String, want)
				}
			case !errors.Is(err, sessiondb.ErrConflict):
				t.Errorf("a loser got %v, want ErrConflict", err)
			}
		}
		if won != 1 {
			t.Errorf("%d writes won, want exactly one", won)
		}
	})
}
