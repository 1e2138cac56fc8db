package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/session-controller/session-controller/test/engine"
)

// bound is how long everything may take to converge when the faults have ended: 1.1 resync periods, then the longest
// graces one after the other (a container may be failed, then another one be judged as leaked), the breaker's hold, a
// stop, the removal's delay and the time until another replica has the lease.
const bound = resync*11/10 + leakGrace + restartGrace + adoptAfter + time.Minute + 40*time.Second + delay

// agree checks L1 and L2: every row and every container is what the tables say it must be in the end.
func (w *world) agree() {
	rows := w.rows()
	for _, r := range rows {
		if complaint := w.rowDisagrees(r); complaint != "" && !w.isWedged(r.id, r.claim) {
			w.accusef("L1", "session %s (%s %q on %s): %s", r.id, r.status, r.claim, r.node, complaint)
		}
	}
	for _, n := range w.nodes {
		for _, c := range n.engine.All() {
			if complaint := w.containerDisagrees(n, c, rows); complaint != "" && !w.isWedged(owner(c), c.ID) {
				w.accusef("L1", "container %s (%s, %s, session %q): %s", c.ID, c.Name, c.Status, labelOf(c), complaint)
			}
		}
	}
}

// isWedged reports whether a container of a session, or the one that is claimed, does not answer: nothing can be
// decided about either.
func (w *world) isWedged(session, claim string) bool {
	for _, n := range w.nodes {
		for _, c := range n.engine.All() {
			if c.Wedged && (owner(c) == session || means(claim, c) || w.claims(session, c)) {
				return true
			}
		}
	}
	return false
}

func (w *world) claims(session string, c engine.Container) bool {
	r, ok := w.row(session)
	return ok && means(r.claim, c)
}

func (w *world) rowDisagrees(r row) string {
	n := w.nodeOf(r)
	claim := strings.TrimSpace(r.claim)
	if n == nil || r.unknown() || claim == "" || impossible(claim) {
		return ""
	}
	c, there := n.engine.Look(claim)
	switch {
	case r.live() && !there:
		return "it is live and its container is not there"
	case r.live() && !c.Status.Alive():
		return fmt.Sprintf("it is live and its container is %s", c.Status)
	case r.live() && w.exclusive && labelOf(c) != "" && labelOf(c) != r.id:
		return "it is live and its container is another session's"
	case r.live():
		return ""
	case !there:
		return "it has ended, and claims what is not there"
	case owner(c) == "" && !w.claimed, kept(c):
		return ""
	}
	return "it has ended, and its container is " + string(c.Status)
}

func (w *world) containerDisagrees(n *node, c engine.Container, rows []row) string {
	session := owner(c)
	if session == "" || !w.labelled(c) || w.none || kept(c) || len(rows) == 0 ||
		w.touchy && w.manyRowless(n, rows) || w.beyondTheBreaker(n, rows) {
		return ""
	}
	var own *row
	for i, r := range rows {
		if means(r.claim, c) {
			return ""
		}
		if r.id == session {
			own = &rows[i]
		}
	}
	switch {
	case w.numbers && !isNumber(session):
		return ""
	case own == nil:
		return "no row wants it"
	case own.unknown(), w.nodeOf(*own) == nil, impossible(own.claim):
		return ""
	case own.ended():
		return "no row wants it"
	case w.nodeOf(*own) != n:
		return ""
	}
	claim := strings.TrimSpace(own.claim)
	other, there := n.engine.Look(claim)
	switch {
	case claim == "" && c.Status == engine.Running && w.only(n, c) && !w.mayPredate(c, *own):
		return "its live session claims nothing, and it was not adopted"
	case claim != "" && there && other.Status == engine.Running && (labelOf(other) == "" || labelOf(other) == session):
		return "it was superseded"
	}
	return ""
}

// mayPredate reports whether a container may be of an earlier session of the same number.
func (w *world) mayPredate(c engine.Container, r row) bool {
	return w.numbers && !r.created.Before(c.Made.Truncate(time.Millisecond))
}

// kept reports whether a container carries the keep label.
func kept(c engine.Container) bool { return c.Labels["io.session-controller.keep"] == "true" }

// only reports whether no other container of its session runs.
func (w *world) only(n *node, c engine.Container) bool {
	for _, other := range n.engine.All() {
		if other.ID != c.ID && other.Status == engine.Running && owner(other) == owner(c) && w.labelled(other) {
			return false
		}
	}
	return true
}

// manyRowless reports whether a touchy breaker holds what has no row, beyondTheBreaker whether the usual one does.
func (w *world) manyRowless(n *node, rows []row) bool      { return w.trips(n, rows, 2) }
func (w *world) beyondTheBreaker(n *node, rows []row) bool { return w.trips(n, rows, 10) }

func (w *world) trips(n *node, rows []row, least int) bool {
	owned, rowless := 0, 0
	for _, c := range n.engine.All() {
		if owner(c) == "" || !w.labelled(c) {
			continue
		}
		owned++
		has := false
		for _, r := range rows {
			has = has || r.id == owner(c) || means(r.claim, c)
		}
		if !has {
			rowless++
		}
	}
	return owned >= least && 2*rowless > owned
}

// claimants is how many rows claim a container.
func claimants(rows []row, c engine.Container) int {
	n := 0
	for _, r := range rows {
		if means(r.claim, c) {
			n++
		}
	}
	return n
}

// impossible reports whether a claim is one of the nonsense that the server writes.
func impossible(claim string) bool {
	claim = strings.TrimSpace(claim)
	return strings.ContainsAny(claim, "/? ") || claim == "deadbeef"
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// recovers is the last act: an engine goes away for a while, the process of a session's container ends meanwhile, and
// within two seconds and its grace after the engine's return the session is failed and its container is removed.
func (w *world) recovers(away time.Duration) {
	n := w.nodes[0]
	for _, c := range n.engine.All() {
		_ = n.engine.Wedge(c.ID, false)
	}
	rows := w.rows()
	for _, r := range rows {
		c, there := n.engine.Look(r.claim)
		if !r.live() || r.claim == "" || !there || c.Status != engine.Running || c.RestartPolicy != "" || c.AutoRemove ||
			owner(c) != r.id || !w.only(n, c) || claimants(rows, c) > 1 || w.nodeOf(r) != n || kept(c) {
			continue
		}
		w.sayf("engine %s: is away for %s, and %s of session %s ends meanwhile", n.name, away, c.ID, r.id)
		n.outage(func() {
			n.engine.Crash()
			w.pass(away / 2)
			_ = n.engine.Exit(c.ID, 1)
			w.pass(away / 2)
			n.engine.Boot(true)
		})
		w.pass(2*time.Second + exitGrace + w.removalDelay())
		if !w.only(n, c) { // the engine has started another one again that had failed: the claim may be pointed at that
			return
		}
		now, _ := w.row(r.id)
		if _, still := n.engine.Look(c.ID); now.status != "ERROR" || now.claim != "" || still {
			w.accusef("L1", "session %s is %s %q, and its container is there: %t, two seconds and the grace after the engine's "+
				"return", r.id, now.status, now.claim, still)
		}
		return
	}
}
