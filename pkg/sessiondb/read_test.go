package sessiondb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func TestGet(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		f.insert(f.id(1), "ACTIVE", "claude-work-1")
		f.insert(f.id(2), "TERMINATED", "")
		if f.nullStatus {
			f.insert(f.id(3), nil, "abc")
		}
		want := sessiondb.Row{ID: f.id(1), Status: "ACTIVE", Kind: sessiondb.StatusLive, Claim: "claude-work-1"}
		if diff := gocmp.Diff(want, f.get(f.id(1))); diff != "" {
			t.Errorf("a live row (-want +got):\n%s", diff)
		}
		want = sessiondb.Row{ID: f.id(2), Status: "TERMINATED", Kind: sessiondb.StatusEnded}
		if diff := gocmp.Diff(want, f.get(f.id(2))); diff != "" {
			t.Errorf("an ended row that claims nothing (-want +got):\n%s", diff)
		}
		if f.nullStatus {
			want = sessiondb.Row{ID: f.id(3), Claim: "abc"}
			if diff := gocmp.Diff(want, f.get(f.id(3))); diff != "" {
				t.Errorf("a NULL status is empty and unknown (-want +got):\n%s", diff)
			}
		}
		for _, id := range []string{f.id(99), "no id of this type", "", "99999999999999999999999"} {
			if _, err := f.store.Get(t.Context(), id); !errors.Is(err, sessiondb.ErrNotFound) {
				t.Errorf("Get(%q) = %v, want ErrNotFound: no row can have this id", id, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.store.Get(
			ctx,
			f.id(1),
		); !errors.Is(err, context.Canceled) ||
			errors.Is(err, sessiondb.ErrUnreachable) {
			t.Errorf("Get with a cancelled context = %v, want only the context's error: the database is not to blame", err)
		}
	})
}

func TestAnotherSpellingOfAnIDFindsItsRow(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/prisma"))
	f.insert(f.id(1), "ACTIVE", nil)
	if got := f.get("A0EEBC99-9C0B-4EF8-BB6D-000000000001"); got.ID != f.id(1) {
		t.Errorf(
			"Get by the upper-case uuid found %q, want %q: taking it for missing would condemn its container",
			got.ID,
			f.id(1),
		)
	}
}

func TestClaiming(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		nothing := any(nil)
		if f.notNull {
			nothing = ""
		}
		f.insert(f.id(1), "ACTIVE", "claude-work-1")
		f.insert(f.id(2), "ERROR", "0123456789ab")
		f.insert(f.id(3), "SUSPENDED", "name")
		f.insert(f.id(4), "ACTIVE", nothing)
		f.insert(f.id(5), "ACTIVE", "")
		f.insert(f.id(6), "ACTIVE", " \t ")
		want := []sessiondb.Row{
			{ID: f.id(1), Status: "ACTIVE", Kind: sessiondb.StatusLive, Claim: "claude-work-1"},
			{ID: f.id(2), Status: "ERROR", Kind: sessiondb.StatusEnded, Claim: "0123456789ab"},
			{ID: f.id(3), Status: "SUSPENDED", Claim: "name"},
		}
		got, err := collect(t.Context(), f.store)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("every status, but no row whose claim is NULL, empty or blank (-want +got):\n%s", diff)
		}
		for _, err := range f.store.Claiming(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			break // and the connection is free again, as the next call shows
		}
		f.get(f.id(1))
	})
}

func TestClaimingGoesOverManyPages(t *testing.T) {
	t.Parallel()
	const rows = 3*4096 + 7
	for _, name := range []string{"postgres/plain", "sqlite/plain", "sqlite/without-rowid"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, plainOf(t, name))
			f.exec(
				`INSERT INTO sessions (id, status, container_id) 
					WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
					SELECT 's' || i, 'ACTIVE', 'c' || i FROM n`,
				rows,
			)
			seen := map[string]bool{}
			for row, err := range f.store.Claiming(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if seen[row.ID] {
					t.Fatalf("%s came twice", row.ID)
				}
				seen[row.ID] = true
			}
			if len(seen) != rows {
				t.Errorf("got %d rows, want %d", len(seen), rows)
			}
		})
	}
}

func TestClaimingHoldsNoReadTransactionOnSQLite(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "sqlite/origin"))
	f.insert("a", "ACTIVE", "x")
	f.insert("b", "ACTIVE", "y")
	for _, err := range f.store.Claiming(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		f.exec(`UPDATE "Session" SET updated_at = 1`)
		var busy, log, done int
		if err := f.raw.QueryRowContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &done); err != nil {
			t.Fatal(err)
		}
		if busy != 0 {
			t.Error("the session server could not truncate its log while a consumer dawdled: a read transaction is open")
		}
	}
}

func TestClaimants(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		f.config.Timing.Read = time.Minute // SQLite needs seconds for thousands of claims where the race detector looks on
		f.open()
		f.insert(f.id(1), "ACTIVE", "one")
		f.insert(f.id(2), "ERROR", "one")
		f.insert(f.id(3), "SUSPENDED", "two")
		f.insert(f.id(4), "ACTIVE", "One")
		f.insert(f.id(5), "ACTIVE", "")
		f.insert(f.id(6), "ACTIVE", `it's "odd", {really}\`)
		many := make([]string, 0, 6006)
		many = append(many, "one", "one", "two", "", "  ", `it's "odd", {really}\`)
		for n := range 6000 {
			many = append(many, textID(n))
		}
		for _, tc := range []struct {
			reason string
			claims []string
			want   []string
		}{
			{reason: "no claims find no rows", claims: nil},
			{reason: "blanks are no claims", claims: []string{"", " "}},
			{reason: "several rows can claim one container, whatever their status", claims: []string{"one"},
				want: []string{f.id(1), f.id(2)}},
			{reason: "container names have case", claims: []string{"ONE"}},
			{reason: "a part is not the whole", claims: []string{"on"}},
			{reason: "thousands of claims are one query", claims: many, want: []string{f.id(1), f.id(2), f.id(3), f.id(6)}},
		} {
			rows, err := f.store.Claimants(t.Context(), tc.claims)
			if err != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			got := make([]string, 0, len(rows))
			for _, row := range sorted(rows) {
				got = append(got, row.ID)
			}
			if diff := gocmp.Diff(tc.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		}
	})
}

func TestClaimantsCompareExactlyWhereTheColumnDoesNot(t *testing.T) {
	t.Parallel()
	s := plainOf(t, "sqlite/plain")
	s.ddl = []string{`CREATE TABLE sessions (id TEXT PRIMARY KEY, status TEXT, container_id TEXT COLLATE NOCASE)`}
	f := open(t, s)
	f.insert("a", "ACTIVE", "one")
	f.insert("b", "ACTIVE", "ONE")
	rows, err := f.store.Claimants(t.Context(), []string{"ONE"})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 || rows[0].ID != "b" {
		t.Errorf("got %v, want only b: one and ONE are two containers", rows)
	}
}

func TestUnknownStatuses(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		f.insert(f.id(1), "ACTIVE", "")
		f.insert(f.id(2), "TERMINATED", "")
		got, err := f.store.UnknownStatuses(t.Context())
		if err != nil || got != nil {
			t.Errorf("UnknownStatuses = %v, %v; want none: every status is known", got, err)
		}
		f.insert(f.id(3), "SUSPENDED", "")
		f.insert(f.id(4), "SUSPENDED", "x")
		want := []sessiondb.StatusCount{{Status: "SUSPENDED", Rows: 2}}
		if f.nullStatus {
			f.insert(f.id(5), nil, "")
			want = append([]sessiondb.StatusCount{{Null: true, Rows: 1}}, want...)
		}
		got, err = f.store.UnknownStatuses(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("counts, NULL first (-want +got):\n%s", diff)
		}
	})
}

func TestAConsumerWhoStopsEarlyDoesNotWaitForTheRest(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/plain"))
	f.slow()
	store, err := sessiondb.Open(t.Context(), f.config)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, store)
	begun := time.Now()
	for _, err := range store.Claiming(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
