package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// endsWithoutSweep ends sessions in the database, with sweeps an hour apart, until the container of one is gone
// without a sweep in between: the first ones may meet those that follow a start.
func endsWithoutSweep(w *world, source string) {
	w.Helper()
	w.opts.ResyncPeriod = time.Hour
	w.opts.Changes = w.store
	w.start(w.engine)
	w.until("changes are followed", func() bool {
		return len(w.log.with("Change feed connected", `"source":"`+source+`"`)) == 1
	})
	sweeps := func() int { return len(w.log.with(`"msg":"Swept"`)) }
	for n := range 5 {
		session, id := fmt.Sprintf("s%d", n), w.run(testenv.Container{})
		w.insert(session, "ACTIVE", id)
		before := sweeps()
		w.serverDoes(`UPDATE sessions SET status = 'TERMINATED' WHERE id = $1`, session)
		w.until("the session is released", func() bool { return w.row(session) == "TERMINATED NULL" })
		w.wantState(id, "gone")
		if sweeps() == before {
			return
		}
	}
	w.Error("five sessions were ended, and a sweep had to find every one of them")
}

func TestAnEndedRowIsFoundByThePoll(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.PollInterval = 100 * time.Millisecond
		endsWithoutSweep(w, "poll")
	})
}

func TestAnEndedRowIsNotifiedByTheTrigger(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURL(t)
	w := newWorld(t, url, "postgres")
	cfg := sessiondb.DefaultConfig()
	cfg.URL = url
	if _, err := sessiondb.Migrate(t.Context(), cfg, sessiondb.MigrateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.opts.PollInterval = time.Hour
	endsWithoutSweep(w, "notify")
}

func TestAFailedSessionTellsItsServerWhy(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURL(t)
	w := newWorld(t, url, "postgres")
	w.serverDoes(`ALTER TABLE sessions ADD COLUMN why text`)
	cfg := sessiondb.DefaultConfig()
	cfg.URL, cfg.Columns.Reason = url, "why"
	store, err := sessiondb.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w.opts.Store = store
	id := w.exited()
	w.insert("s1", "ACTIVE", id)
	w.sweep()
	w.wantRow("s1", "ERROR NULL")
	var why string
	if err := w.server.QueryRowContext(t.Context(), `SELECT why FROM sessions`).Scan(&why); err != nil {
		t.Fatal(err)
	}
	if want := "container exited with code 3 at "; len(why) < len(want) || why[:len(want)] != want {
		t.Errorf("the row says %q, want %q and the time", why, want)
	}
}
