package sessiondb_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// crowd is how many ask at the same time: far more than statements that can be under way.
const crowd = 60

// atOnce calls do for the numbers from 1 to crowd, all at the same time, and returns what each was told.
func atOnce(do func(i int) (sessiondb.Row, error)) (rows map[int]sessiondb.Row, errs map[int]error) {
	rows, errs = map[int]sessiondb.Row{}, map[int]error{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range crowd {
		all.Go(func() {
			row, err := do(i + 1)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs[i+1] = err
				return
			}
			rows[i+1] = row
		})
	}
	all.Wait()
	return rows, errs
}

func TestManyReadersAtOnceGetTheirOwnRows(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		for i := range crowd {
			if i%3 != 0 {
				f.insert(f.id(i+1), "ACTIVE", fmt.Sprint("claim-", i+1))
			}
		}
		rows, errs := atOnce(func(i int) (sessiondb.Row, error) { return f.store.Get(t.Context(), f.id(i)) })
		for i := range crowd {
			row, err := rows[i+1], errs[i+1]
			switch {
			case i%3 == 0:
				if !errors.Is(err, sessiondb.ErrNotFound) || errors.Is(err, sessiondb.ErrImpossibleID) {
					t.Errorf("session %s, which is not there: %v", f.id(i+1), err)
				}
			case err != nil, row.ID != f.id(i+1), row.Claim != fmt.Sprint("claim-", i+1):
				t.Errorf("session %s is %+v, %v", f.id(i+1), row, err)
			}
		}
	})
}

func TestAnImpossibleIDSpoilsNobodysRead(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		f.insert(f.id(1), "ACTIVE", "claim")
		_, errs := atOnce(func(i int) (sessiondb.Row, error) {
			if i%2 == 0 {
				return f.store.Get(t.Context(), "no such id can be")
			}
			return f.store.Get(t.Context(), f.id(1))
		})
		for i := range crowd {
			if err := errs[i+1]; errors.Is(err, sessiondb.ErrNotFound) != ((i+1)%2 == 0) {
				t.Errorf("reader %d: %v", i+1, err)
			}
		}
	})
}

func TestManyReadersAtOnceMaySpellAUUIDInOtherWays(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/prisma"))
	for i := range crowd {
		f.insert(f.id(i+1), "ACTIVE", "claim")
	}
	rows, errs := atOnce(func(i int) (sessiondb.Row, error) {
		return f.store.Get(t.Context(), strings.ToUpper(f.id(i)))
	})
	for i := range crowd {
		if rows[i+1].ID != f.id(i+1) || errs[i+1] != nil {
			t.Errorf("session %s is %+v, %v", f.id(i+1), rows[i+1], errs[i+1])
		}
	}
}
