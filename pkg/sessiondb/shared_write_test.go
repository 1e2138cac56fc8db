package sessiondb_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/lib/pq"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func TestManyWritersAtOnceEachCompareTheirOwnRow(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		read := map[int]sessiondb.Row{}
		for i := range crowd {
			f.insert(f.id(i+1), "ACTIVE", fmt.Sprint("claim-", i+1))
			read[i+1] = f.get(f.id(i + 1))
		}
		for i := 5; i <= crowd; i += 5 { // somebody moved first
			f.exec(fmt.Sprintf(`UPDATE %s SET "%s" = 'another' WHERE id = $1`, f.quoted(), f.column.ContainerID), f.id(i))
		}
		rows, errs := atOnce(func(i int) (sessiondb.Row, error) {
			switch i % 4 {
			case 0:
				return f.store.Fail(t.Context(), read[i], sessiondb.Failure{Reason: "Odd", Message: fmt.Sprint("for ", i)})
			case 1:
				return f.store.Fail(t.Context(), read[i], sessiondb.Failure{Claim: fullID})
			case 2:
				return f.store.Release(t.Context(), read[i])
			}
			return f.store.SetClaim(t.Context(), read[i], fmt.Sprint("new-", i))
		})
		for i := 1; i <= crowd; i++ {
			want := sessiondb.Row{ID: f.id(i), Status: "ERROR", Kind: sessiondb.StatusEnded}
			switch i % 4 {
			case 1:
				want.Claim = fullID
			case 2:
				want.Status, want.Kind = "ACTIVE", sessiondb.StatusLive
			case 3:
				want.Status, want.Kind, want.Claim = "ACTIVE", sessiondb.StatusLive, fmt.Sprint("new-", i)
			}
			if i%5 == 0 {
				want.Status, want.Kind, want.Claim = "ACTIVE", sessiondb.StatusLive, "another"
				if !errors.Is(errs[i], sessiondb.ErrConflict) {
					t.Errorf("write %d of a row that changed: %v, want ErrConflict", i, errs[i])
				}
			} else if diff := gocmp.Diff(want, rows[i]); diff != "" || errs[i] != nil {
				t.Errorf("write %d: %v (-want +got):\n%s", i, errs[i], diff)
			}
			if diff := gocmp.Diff(want, f.get(f.id(i))); diff != "" {
				t.Errorf("session %d in the table (-want +got):\n%s", i, diff)
			}
		}
	})
}

func TestOfTwoWritesOfARowThatWereAskedForAtOnceOneIsAConflict(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		for i := range crowd / 2 {
			f.insert(f.id(i+1), "ACTIVE", "claim")
		}
		rows, errs := atOnce(func(i int) (sessiondb.Row, error) {
			id := f.id((i + 1) / 2)
			read := sessiondb.Row{ID: id, Status: "ACTIVE", Kind: sessiondb.StatusLive, Claim: "claim"}
			return f.store.SetClaim(t.Context(), read, fmt.Sprint("by-", i))
		})
		for i := 1; i < crowd; i += 2 {
			one, other := errs[i], errs[i+1]
			if (one == nil) == (other == nil) || !errors.Is(errors.Join(one, other), sessiondb.ErrConflict) {
				t.Errorf("the two writes of session %s: %v and %v", f.id((i+1)/2), one, other)
			}
			winner := i
			if one != nil {
				winner = i + 1
			}
			want := fmt.Sprint("by-", winner)
			if got := f.get(f.id((i + 1) / 2)); rows[winner].Claim != want || got.Claim != want {
				t.Errorf("writer %d was told %q, and the table has %q", winner, rows[winner].Claim, got.Claim)
			}
		}
		if len(rows) != crowd/2 {
			t.Errorf("%d writes took place, want %d", len(rows), crowd/2)
		}
	})
}

func TestOfManyFailuresAtOnceEachIsWrittenAndToldWithItsOwnReason(t *testing.T) {
	t.Parallel()
	for _, s := range shapes() {
		for _, channel := range []string{"", "failed"} {
			if s.sqlite && channel != "" {
				continue // it has no notifications, and the configuration is refused
			}
			t.Run(s.name+channel, func(t *testing.T) {
				t.Parallel()
				f := reasoned(t, s, "varchar(20)")
				f.config.NotifyChannel = channel
				f.open()
				var told <-chan *pq.Notification
				if channel != "" {
					told = f.listen(channel)
				}
				read, want := map[int]sessiondb.Row{}, map[string]string{}
				for i := 1; i <= crowd; i++ {
					f.insert(f.id(i), "ACTIVE", "claim")
					read[i] = f.get(f.id(i))
					want[f.id(i)] = fmt.Sprint("message ", i)
				}
				_, errs := atOnce(func(i int) (sessiondb.Row, error) {
					return f.store.Fail(t.Context(), read[i], sessiondb.Failure{Reason: "Odd", Message: want[f.id(i)]})
				})
				written, heard := map[string]string{}, map[string]string{}
				for i := 1; i <= crowd; i++ {
					written[f.id(i)] = f.why(f.id(i)).String
					if channel != "" {
						fields := payload(t, told)
						heard[fields["session"]] = fields["message"]
					}
				}
				if diff := gocmp.Diff(want, written); diff != "" || len(errs) > 0 {
					t.Errorf("%v, the reasons in the table (-want +got):\n%s", errs, diff)
				}
				if diff := gocmp.Diff(want, heard); channel != "" && diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// A session server may hold the lock of a row for as long as a container takes to start.
func TestARowThatIsLockedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "postgres/plain"))
	read := map[int]sessiondb.Row{}
	for i := range crowd {
		f.insert(f.id(i+1), "ACTIVE", "claim")
		read[i+1] = f.get(f.id(i + 1))
	}
	tx, err := f.raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(),
		fmt.Sprintf(`UPDATE %s SET "%s" = 'IDLE' WHERE id = ANY($1)`, f.quoted(), f.column.Status),
		"{"+f.id(1)+","+f.id(2)+"}"); err != nil {
		t.Fatal(err)
	}
	var written atomic.Int32
	ended := make(chan map[int]error)
	go func() {
		_, errs := atOnce(func(i int) (sessiondb.Row, error) {
			row, err := f.store.Fail(t.Context(), read[i], sessiondb.Failure{})
			written.Add(1)
			return row, err
		})
		ended <- errs
	}()
	f.within(func() bool { return written.Load() == crowd-2 }) // all but those that wait for the lock
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	errs := <-ended
	if conflicts := slices.Sorted(maps.Keys(errs)); !slices.Equal(conflicts, []int{1, 2}) ||
		!errors.Is(errs[1], sessiondb.ErrConflict) {
		t.Errorf("not written: %v", errs)
	}
}

// within waits for a condition, for a time that is long for any machine.
func (f *fixture) within(holds func() bool) {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) { //nolint:forbidigo // a poll
		if time.Now().After(end) {
			f.t.Fatal("waited in vain")
		}
	}
}
