package sessiondb_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func TestAnIDThatNoRowCanHaveIsToldFromOneThatNoneHas(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		f.insert(f.id(1), "ACTIVE", "x")
		_, err := f.store.Get(f.t.Context(), f.id(2))
		if !errors.Is(err, sessiondb.ErrNotFound) || errors.Is(err, sessiondb.ErrImpossibleID) {
			f.t.Errorf("a session that does not exist: %v", err)
		}
		number := !strings.ContainsAny(f.id(1), "-")
		if f.store.ReusableIDs() != number {
			f.t.Errorf("ids like %s can be used again: %t", f.id(1), f.store.ReusableIDs())
		}
		for _, spelt := range []string{" " + f.id(1), f.id(1) + ".0", "0" + f.id(1), "+" + f.id(1), "work"} {
			if row, err := f.store.Get(f.t.Context(), spelt); err == nil {
				f.t.Errorf("session %q is found as %+v", spelt, row)
			} else if number && !errors.Is(err, sessiondb.ErrImpossibleID) {
				f.t.Errorf("session %q: %v, want that no number is spelt so", spelt, err)
			}
		}
	})
}

func TestAUUIDColumnCanHoldNothingElse(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/prisma"))
	f.insert(f.id(1), "ACTIVE", "x")
	if _, err := f.store.Get(t.Context(), "work"); !errors.Is(err, sessiondb.ErrImpossibleID) {
		t.Errorf("got %v, want that no uuid is spelt so", err)
	}
	if row, err := f.store.Get(t.Context(), strings.ToUpper(f.id(1))); err != nil || row.ID != f.id(1) {
		t.Errorf("got %+v, %v; want the row, however its uuid is spelt", row, err)
	}
}

func TestAnIDMayBeGreaterThanAnyInteger(t *testing.T) {
	t.Parallel()
	shape := plainOf(t, "postgres/plain")
	shape.ddl = []string{"CREATE TABLE sessions (id numeric(20) PRIMARY KEY, status text, container_id text)"}
	f := open(t, shape)
	const id = "18446744073709551615" // what an unsigned integer of 64 bits is kept as
	f.insert(id, "ACTIVE", "x")
	if row, err := f.store.Get(t.Context(), id); err != nil || row.ID != id {
		t.Errorf("got %+v, %v; want the row", row, err)
	}
	if row, err := f.store.Get(t.Context(), id+".0"); !errors.Is(err, sessiondb.ErrImpossibleID) {
		t.Errorf("got %+v, %v; want that no whole number is spelt so", row, err)
	}
}

func TestHasRowsIsAboutAnyRowAtAll(t *testing.T) {
	t.Parallel()
	onEveryNode(t, func(f *fixture) {
		if has, err := f.store.HasRows(f.t.Context()); has || err != nil {
			f.t.Errorf("an empty table: %t, %v", has, err)
		}
		f.insert(f.id(1), "SUSPENDED", "") // of no node, and with an unknown status
		if has, err := f.store.HasRows(f.t.Context()); !has || err != nil {
			f.t.Errorf("a table with a row: %t, %v", has, err)
		}
	})
}

func TestOnlyTheRowsOfTheNodeAreServed(t *testing.T) {
	t.Parallel()
	onEveryNode(t, func(f *fixture) {
		for n, node := range []any{"it's a", "b", nil, ""} {
			f.insert(f.id(n), "ACTIVE", "x")
			f.set(f.id(n), "host", node)
			if got := f.store.Serves(f.get(f.id(n))); got != (n == 0) {
				f.t.Errorf("the row of node %v is served: %t", node, got)
			}
		}
	})
}
