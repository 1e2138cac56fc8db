package sessiondb_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func TestEveryWriteSetsUpdatedAt(t *testing.T) {
	t.Parallel()
	onEveryShape(t, func(f *fixture) {
		t := f.t
		if f.column.UpdatedAt == "" {
			return // nothing is mapped, and the other tests show that nothing is missed
		}
		f.insert(f.id(1), "ACTIVE", "claim")
		row := f.get(f.id(1))
		long := map[string]any{sessiondb.TimeFormatTimestamp: "2001-02-03 04:05:06"}[f.config.TimeFormat]
		if long == nil {
			long = 1
		}
		for _, write := range []struct {
			name string
			do   func() (sessiondb.Row, error)
		}{
			{"SetClaim", func() (sessiondb.Row, error) { return f.store.SetClaim(t.Context(), row, fullID) }},
			{"Fail", func() (sessiondb.Row, error) { return f.store.Fail(t.Context(), row, sessiondb.Failure{Claim: fullID}) }},
			{"Release", func() (sessiondb.Row, error) { return f.store.Release(t.Context(), row) }},
		} {
			f.exec(fmt.Sprintf(`UPDATE %s SET "%s" = $1`, f.quoted(), f.column.UpdatedAt), long)
			// The database's clock is this host's; whole seconds round down.
			before := time.Now().Add(-2 * time.Second)
			written, err := write.do()
			if err != nil {
				t.Fatalf("%s: %v", write.name, err)
			}
			row = written
			if at := f.updatedAt(f.id(1)); at.Before(before) || at.After(time.Now().Add(2*time.Second)) {
				t.Errorf("%s set updatedAt to %v, want about now", write.name, at)
			}
		}
	})
}

// updatedAt reads the column in the format of the shape. A time without a zone is UTC.
func (f *fixture) updatedAt(id string) time.Time {
	f.t.Helper()
	var text string
	query := fmt.Sprintf(`SELECT CAST("%s" AS text) FROM %s WHERE id = $1`, f.column.UpdatedAt, f.quoted())
	if err := f.raw.QueryRowContext(f.t.Context(), query, id).Scan(&text); err != nil {
		f.t.Fatal(err)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if f.config.TimeFormat == sessiondb.TimeFormatUnix {
			return time.Unix(n, 0)
		}
		return time.UnixMilli(n)
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	f.t.Fatalf("updatedAt is %q, which is no time", text)
	return time.Time{}
}
