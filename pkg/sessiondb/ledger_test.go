package sessiondb_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// inEach runs a test against a plain table of each database, with a column for the node.
func inEach(t *testing.T, test func(f *fixture)) {
	t.Helper()
	for _, name := range []string{"postgres/plain", "sqlite/plain"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := create(t, plainOf(t, name))
			f.exec(`ALTER TABLE sessions ADD COLUMN host text`)
			f.config.Columns.Node, f.config.Node = "host", "a"
			f.open()
			test(f)
		})
	}
}

func (f *fixture) ledger() *sessiondb.Ledger {
	f.t.Helper()
	l, err := f.store.OpenLedger(f.t.Context(), true)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { closed(f.t, l) })
	return l
}

// ofNode is the ledger of another node's controller on the same table.
func (f *fixture) ofNode(node string) *sessiondb.Ledger {
	f.t.Helper()
	other := *f
	other.config.Node = node
	other.open()
	return other.ledger()
}

func TestTheEngineOfANodeIsRememberedOnce(t *testing.T) {
	t.Parallel()
	inEach(t, func(f *fixture) {
		t, a, b := f.t, f.ledger(), f.ofNode("b")
		wantEngine(t, a, "")
		if err := a.RememberEngine(t.Context(), "one", ""); err != nil {
			t.Fatal(err)
		}
		wantEngine(t, a, "one")
		wantEngine(t, f.ofNode("a"), "one") // another process of the node
		wantEngine(t, b, "")
		if err := a.RememberEngine(t.Context(), "two", ""); !errors.Is(err, sessiondb.ErrConflict) {
			t.Errorf("remembered over another engine: %v", err)
		}
		if err := a.RememberEngine(t.Context(), "two", "three"); !errors.Is(err, sessiondb.ErrConflict) {
			t.Errorf("remembered over another engine than was read: %v", err)
		}
		taken, ok := errors.AsType[*sessiondb.EngineTakenError](b.RememberEngine(t.Context(), "one", ""))
		if !ok || taken.Node != "a" {
			t.Errorf("node b got the engine of node a: %v", taken)
		}
		wantEngine(t, a, "one")
		if err := a.RememberEngine(t.Context(), "two", "one"); err != nil {
			t.Errorf("the pinned engine is remembered in place of what was read: %v", err)
		}
		wantEngine(t, a, "two")
		if err := b.TrustEngine(t.Context(), "two"); err != nil {
			t.Fatal(err)
		}
		wantEngine(t, b, "two")
		wantEngine(t, a, "")
	})
}

func wantEngine(t *testing.T, l *sessiondb.Ledger, want string) {
	t.Helper()
	got, err := l.RememberedEngine(t.Context())
	if err != nil || got != want {
		t.Errorf("engine %q is remembered (%v), want %q", got, err, want)
	}
}

func TestOfManyWhoRememberAtOnceOneDoes(t *testing.T) {
	t.Parallel()
	inEach(t, func(f *fixture) {
		var mu sync.Mutex
		var all sync.WaitGroup
		done := 0
		for n := range 8 {
			all.Go(func() {
				l, err := f.store.OpenLedger(f.t.Context(), true) // all of them make the tables
				if err != nil {
					f.t.Error(err)
					return
				}
				defer closed(f.t, l)
				if l.RememberEngine(f.t.Context(), strconv.Itoa(n), "") == nil {
					mu.Lock()
					defer mu.Unlock()
					done++
				}
			})
		}
		all.Wait()
		if done != 1 {
			f.t.Errorf("%d were told that their engine is remembered", done)
		}
	})
}

func TestWithoutTheRightToMakeTablesThereIsNoLedger(t *testing.T) {
	t.Parallel()
	inEach(t, func(f *fixture) {
		before := f.catalogue()
		if _, err := f.store.OpenLedger(f.t.Context(), false); !errors.Is(err, sessiondb.ErrNoLedger) {
			f.t.Errorf("got %v, want that there is none", err)
		}
		if diff := gocmp.Diff(before, f.catalogue()); diff != "" {
			f.t.Errorf("looking for them has made something (-want +got):\n%s", diff)
		}
	})
}

// TestTheUsersSchemaOnlyGetsTheIndex is what an ORM's drift check looks at: tables, columns, types and indexes of the
// user's schema, or of the user's file.
func TestTheUsersSchemaOnlyGetsTheIndex(t *testing.T) {
	t.Parallel()
	inEach(t, func(f *fixture) {
		before := f.catalogue()
		f.migrate(sessiondb.MigrateOptions{})
		wantEngine(f.t, f.ledger(), "")
		want := slices.Concat(before, []string{"index session_controller_claim_sessions"})
		if diff := gocmp.Diff(sortedText(want), f.catalogue()); diff != "" {
			f.t.Errorf("the user's schema (-want +got):\n%s", diff)
		}
		f.migrate(sessiondb.MigrateOptions{Uninstall: true})
		if diff := gocmp.Diff(sortedText(before), f.catalogue()); diff != "" {
			f.t.Errorf("after uninstall (-want +got):\n%s", diff)
		}
		if _, err := f.store.OpenLedger(f.t.Context(), false); !errors.Is(err, sessiondb.ErrNoLedger) {
			f.t.Errorf("the own tables are still there: %v", err)
		}
		if f.sqlite {
			if _, err := os.Stat(f.config.URL[len("file:"):] + ".session-controller.db"); !errors.Is(err, fs.ErrNotExist) {
				f.t.Errorf("the side file is still there: %v", err)
			}
		}
	})
}

func TestALeaseIsACompareAndSetOnWhatWasReadLast(t *testing.T) {
	t.Parallel()
	inEach(t, func(f *fixture) {
		t, l := f.t, f.ledger()
		one, two := l.Lease("x", "one"), l.Lease("x", "two")
		if _, _, err := one.Get(t.Context()); !apierrors.IsNotFound(err) {
			t.Fatalf("got %v, want what the elector knows as not found", err)
		}
		held := resourcelock.LeaderElectionRecord{HolderIdentity: "one", LeaseDurationSeconds: 15}
		if err := one.Create(t.Context(), held); err != nil {
			t.Fatal(err)
		}
		if err := two.Create(t.Context(), held); !errors.Is(err, sessiondb.ErrConflict) {
			t.Errorf("two leases of one name: %v", err)
		}
		got, _, err := two.Get(t.Context())
		if err != nil || got.HolderIdentity != "one" {
			t.Fatalf("got %+v, %v", got, err)
		}
		for range 3 { // the holder renews without reading
			if err := one.Update(t.Context(), held); err != nil {
				t.Fatal(err)
			}
		}
		held.HolderIdentity = "two"
		if err := two.Update(t.Context(), held); !errors.Is(err, sessiondb.ErrConflict) {
			t.Errorf("took a lease that was renewed since it was read: %v", err)
		}
		if _, _, err := l.Lease("y", "two").Get(t.Context()); !apierrors.IsNotFound(err) {
			t.Errorf("another name's lease: %v", err)
		}
	})
}

func TestALeaseOfANewerVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	inEach(t, func(f *fixture) {
		t, l := f.t, f.ledger()
		lock := l.Lease("x", "one")
		if err := lock.Create(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "one"}); err != nil {
			t.Fatal(err)
		}
		f.lease(`UPDATE %slease SET format = 2, record = 'what it means nobody here knows'`)
		if _, _, err := lock.Get(t.Context()); !errors.Is(err, sessiondb.ErrLeaseFormat) {
			t.Errorf("read: %v", err)
		}
		if err := lock.Update(t.Context(), resourcelock.LeaderElectionRecord{}); !errors.Is(err, sessiondb.ErrConflict) {
			t.Errorf("overwritten: %v", err)
		}
		f.lease(`UPDATE %slease SET format = 1`)
		if _, _, err := lock.Get(t.Context()); !errors.Is(err, sessiondb.ErrLeaseFormat) {
			t.Errorf("read a record that is no JSON: %v", err)
		}
	})
}
