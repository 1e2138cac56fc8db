package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestOutageBothSidesAreAwayAtOnce kills engine and database together. Whichever comes back first says nothing about
// what only the other one knows, so nothing is done until both are there.
func TestOutageBothSidesAreAwayAtOnce(t *testing.T) {
	t.Parallel()
	p := testenv.StartPostgres(t)
	w := followed(t, p.URL())
	private, engine := w.privateEngine("--live-restore")
	unharmed := w.healthy(quietly(2)...)
	type order struct {
		name          string
		first, second func()
		side          func([]settled) string
		limit         time.Duration
		before, away  []accident
	}
	orders := []order{
		{"the engine comes back first", private.Start, p.Start, w.containers, afterBackoff, nil, nil},
		{"the database comes back first", p.Start, private.Start, w.rowsOf, recovery, nil, nil},
	}
	// What only the engine knows of, what only the database does, and what neither has seen: one of each will do.
	kinds := inForm(
		[]func() accident{w.vanishes, w.ends, w.forgets},
		[]func() accident{w.vanishes, w.ends, w.leaks, w.forgets})
	for n := range orders {
		orders[n].before, orders[n].away = w.accidents(1, kinds...), w.accidents(inForm(1, 2), w.crashes)
	}
	w.start(engine)
	want := make([]settled, 0, 12)
	for _, o := range orders {
		downs := len(w.log.with("Event stream disconnected"))
		want = append(want, happen(o.before)...)
		private.Kill()
		p.Kill()
		want = append(want, happen(o.away)...)
		w.until("the outage is noticed", func() bool { return len(w.log.with("Event stream disconnected")) > downs })

		o.first()
		before := o.side(want)
		// The one that is back is tried again, and what it tells could be acted on.
		soon(t, inForm(2*time.Second, 3*time.Second))
		if now := o.side(want); now != before {
			t.Errorf("%s, before:\n%s\nnow:\n%s\nlog:\n%s", o.name, before, now, w.log)
		}
		o.second()
		t.Logf("%s: everything as it must be after %s", o.name, w.settles(o.limit, want))
		unharmed()
		w.within(o.limit, "the controller follows both again", func() bool {
			return len(w.log.with("Event stream connected")) > len(w.log.with("Event stream disconnected")) &&
				len(w.log.with("Change feed connected")) > len(w.log.with("Change feed disconnected"))
		})
	}
	w.nothingElse(want)
	w.wantOneFailureEach(want)
}

// containers returns every container of the engine and how it is, to be compared before and after.
func (w *world) containers([]settled) string {
	w.Helper()
	listed, err := w.docker.ContainerList(w.Context(), container.ListOptions{All: true})
	if err != nil {
		w.Fatal(err)
	}
	lines := make([]string, 0, len(listed))
	for _, c := range listed {
		lines = append(lines, c.ID+" "+c.State)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
