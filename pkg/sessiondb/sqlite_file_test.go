package sessiondb_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// replace puts the file that make makes in the place of the database's, as restoring a backup does.
func (f *fixture) replace(build func(path string)) {
	f.t.Helper()
	path := strings.TrimPrefix(f.config.URL, "file:")
	closed(f.t, f.raw)
	build(path + ".new")
	for _, beside := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + beside); err != nil && !errors.Is(err, os.ErrNotExist) {
			f.t.Fatal(err)
		}
	}
	if err := os.Rename(path+".new", path); err != nil {
		f.t.Fatal(err)
	}
	f.raw = connect(f.t, "sqlite", f.config.URL+"?_busy_timeout=10000&_txlock=immediate")
}

// A connection that goes on with a file that has lost its name would never see a session that begins from then on, and
// take its container for a leak.
func TestADatabaseFileThatIsReplacedIsReadAnew(t *testing.T) {
	t.Parallel()
	f := open(t, plainOf(t, "sqlite/plain"))
	f.insert("old", "ACTIVE", "one")
	before := f.get("old")
	h := f.follow(5 * time.Millisecond)
	h.expect("connected", "poll up")

	f.replace(func(path string) {
		other := connect(t, "sqlite", "file:"+path)
		for _, statement := range append(f.ddl,
			`INSERT INTO sessions (id, status, container_id) VALUES ('new', 'ACTIVE', 'two')`) {
			if _, err := other.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
	})
	h.expect("whoever follows the rows looks at everything", "poll down", "gap", "poll up")
	if row, err := f.store.Get(t.Context(), "old"); !errors.Is(err, sessiondb.ErrNotFound) {
		t.Errorf("the old file's session is %+v, %v, want that it is not there", row, err)
	}
	if rows, err := f.store.Claimants(t.Context(), []string{"two"}); err != nil || len(rows) != 1 {
		t.Errorf("claimed by %+v, %v, want the new file's session", rows, err)
	}
	if row, err := f.store.Release(t.Context(), before); !errors.Is(err, sessiondb.ErrConflict) {
		t.Errorf("wrote %+v, %v, want ErrConflict: the old file's row is nowhere", row, err)
	}
	f.exec(`UPDATE sessions SET status = 'TERMINATED' WHERE id = 'new'`)
	h.expect("and hears of the new file's changes", "change new")
}
