package e2e

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/session-controller/session-controller/test/testenv"
)

// settled is what must have become of one session and of the one container that it ever had.
type settled struct {
	session, row string // the row as [world.row] has it; an empty session has none
	container    string
	state        string // "gone" or "running"
}

// unsettled returns what is not as it must be, or why that cannot be seen.
func (w *world) unsettled(want []settled) (wrong []string) {
	w.Helper()
	states, rows := map[string]string{}, map[string]string{}
	listed, err := w.docker.ContainerList(w.Context(), container.ListOptions{All: true})
	if err != nil {
		return []string{err.Error()}
	}
	for _, c := range listed {
		states[c.ID] = c.State
	}
	found, err := w.server.QueryContext(w.Context(), `SELECT id, status, container_id FROM sessions`)
	if err != nil {
		return []string{err.Error()}
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var id, status string
		claim := sql.NullString{String: "NULL"}
		if err := found.Scan(&id, &status, &claim); err != nil {
			return []string{err.Error()}
		}
		if !claim.Valid {
			claim.String = "NULL"
		}
		rows[id] = status + " " + claim.String
	}
	if err := found.Err(); err != nil {
		return []string{err.Error()}
	}
	for _, s := range want {
		state, there := states[s.container]
		if !there {
			state = "gone"
		}
		if state != s.state || s.session != "" && rows[s.session] != s.row {
			wrong = append(wrong, fmt.Sprintf("session %s is %q, want %q; container %s is %s, want %s",
				s.session, rows[s.session], s.row, s.container, state, s.state))
		}
	}
	return wrong
}

// settles waits until everything is as it must be and returns how long that took.
func (w *world) settles(limit time.Duration, want []settled) time.Duration {
	w.Helper()
	began := time.Now()
	var wrong []string
	defer func() {
		if w.Failed() && len(wrong) > 0 {
			w.Logf("%d of %d are not as they must be:\n%s", len(wrong), len(want), strings.Join(wrong, "\n"))
		}
	}()
	w.within(limit, "everything is as it must be", func() bool {
		wrong = w.unsettled(want)
		return len(wrong) == 0
	})
	return time.Since(began)
}

// healthy starts sessions that nothing happens to, and returns the check that nothing was done to them: the same rows,
// and containers that have run unbroken.
func (w *world) healthy(containers ...testenv.Container) (unharmed func()) {
	w.Helper()
	rows, started := map[string]string{}, map[string]string{}
	w.unharmed += len(containers)
	for n, c := range containers {
		session, id := w.named(c)
		if n%2 == 1 {
			w.serverDoes(`UPDATE sessions SET status = 'IDLE' WHERE id = $1`, session)
		}
		rows[session], started[id] = w.row(session), w.running(id)
	}
	return func() {
		w.Helper()
		for session, before := range rows {
			w.wantRow(session, before)
		}
		for id, before := range started {
			if now := w.running(id); now != before {
				w.Errorf("container %s is %q, want %q; log:\n%s", id, now, before, w.log)
			}
		}
	}
}

// running says that a container runs and since when.
func (w *world) running(id string) string {
	w.Helper()
	c, err := w.docker.ContainerInspect(w.Context(), id)
	if err != nil {
		return err.Error()
	}
	return c.State.Status + " since " + c.State.StartedAt
}

// quietly is n containers that only sleep.
func quietly(n int) []testenv.Container { return make([]testenv.Container, n) }

// soon waits for a moment that a test has drawn by lot.
func soon(t testing.TB, after time.Duration) {
	t.Helper()
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// rowsOf returns the rows of these sessions as they are now, to be compared before and after.
func (w *world) rowsOf(sessions []settled) string {
	w.Helper()
	var b strings.Builder
	for _, s := range sessions {
		if s.session != "" {
			fmt.Fprintln(&b, s.session, w.row(s.session))
		}
	}
	return b.String()
}

// nothingElse waits until the world has the containers of the healthy sessions and those that must be there, and no
// other. One whose creation was never answered is in nobody's books, and may be found last.
func (w *world) nothingElse(want []settled) {
	w.Helper()
	n := w.unharmed
	for _, s := range want {
		if s.state == "running" {
			n++
		}
	}
	var listed []container.Summary
	defer func() {
		if w.Failed() && len(listed) != n {
			w.Logf("the world has %d containers, want %d: %+v", len(listed), n, listed)
		}
	}()
	w.until("there is no other container", func() bool {
		var err error
		listed, err = w.docker.ContainerList(w.Context(), container.ListOptions{All: true})
		listed = slices.DeleteFunc(listed, w.isOthers)
		return err == nil && len(listed) == n
	})
}

// isOthers reports whether a container is another test's: on a private engine there is none.
func (w *world) isOthers(c container.Summary) bool {
	_, labelled := c.Labels[w.label]
	named := slices.ContainsFunc(c.Names, func(name string) bool { return strings.HasPrefix(name, "/"+w.prefix) })
	return w.private == nil && !labelled && !named
}
