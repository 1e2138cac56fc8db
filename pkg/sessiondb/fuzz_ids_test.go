package sessiondb

import (
	"errors"
	"testing"
)

// FuzzSessionID stores one id and asks for another: whatever the column makes of the two, a session is found under the
// text of its own id only, and under that always.
func FuzzSessionID(f *testing.F) {
	for _, seed := range []struct{ id, asked string }{
		{"7", "07"}, {"7", " 7"}, {"7", "7.0"}, {"1000", "1e3"}, {"-0", "0"}, {"+1", "1"}, {"1e3", "1000"},
		{"9223372036854775807", "9223372036854775808"},
		{"18446744073709551615", "18446744073709551616"}, {"-9223372036854775808", "-9223372036854775809"},
		{"0x10", "16"}, {"work", "WORK"}, {"a", "a\x00"}, {"é", "É"}, {"\xff", "\xfe"}, {"", " "}, {"1\x00", "1"},
	} {
		for column := range uint8(5) {
			f.Add(column, seed.id, seed.asked)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, id, asked string) {
		columns := []string{"TEXT", "INTEGER", "BIGINT", "STRING", "uuid"}
		db := inMemory(t)
		db.MustExec("CREATE TABLE sessions (id " + columns[int(kind)%len(columns)] + " NOT NULL UNIQUE, " +
			"status TEXT, container_id TEXT)")
		db.MustExec("INSERT INTO sessions (id, status) VALUES (?1, 'ACTIVE')", id)
		s := onTable(t, db, DefaultConfig())
		// What is no whole number stays what it is in a column of numbers, and no such id is ever served.
		stored := list(t, db, "SELECT CAST(id AS TEXT) FROM sessions WHERE typeof(id) IN ('integer', ?1)",
			map[bool]string{true: "integer", false: "text"}[s.ReusableIDs()])
		for _, text := range stored {
			if row, err := s.Get(t.Context(), text); err != nil || row.ID != text {
				t.Errorf("Get(%q): %+v, error %v, want the row, whose id is this", text, row, err)
			}
		}
		row, err := s.Get(t.Context(), asked)
		if err == nil && row.ID != asked {
			t.Errorf("Get(%q) found session %q, stored as %q", asked, row.ID, id)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			t.Errorf("Get(%q): %v, want ErrNotFound", asked, err)
		}
	})
}
