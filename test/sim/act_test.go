package sim

import (
	"fmt"
	"time"

	"github.com/session-controller/session-controller/test/engine"
)

// take is one step: somebody does something.
func (w *world) take(s step) {
	n := w.nodes[s.c%len(w.nodes)]
	switch s.kind {
	case "nothing":
	case "advance":
		w.pass(time.Duration(s.a%90) * time.Second)
	case "open":
		w.open(n, s)
	case "end", "end with stop", "stop then end", "delete", "toggle", "share", "clear", "respawn", "unknown status",
		"known status", "claim nonsense", "claim nothing", "move", "recreate":
		if chosen := w.choose(s.a); chosen != nil {
			w.serverActs(chosen, s)
		}
	case "crash", "oom", "stop", "kill", "remove", "pause", "unpause", "restart", "wedge", "jam", "slow removal", "rename",
		"start behind back", "exit unnoticed":
		if all := n.engine.All(); len(all) > 0 {
			w.containerActs(n, all[s.a%len(all)], s)
		}
	case "created only":
		if id, err := w.creates(n, engine.Spec{Name: fmt.Sprintf("%sghost-%d", prefix, s.a)}); err == nil {
			w.sayf("somebody: made %s and never started it", id)
		}
	case "foreign":
		spec := engine.Spec{Env: []string{"TOKEN=" + secret}}
		if chosen := w.choose(s.a); chosen != nil && s.b%2 == 0 { // another installation has a session of the same id
			spec.Labels = map[string]string{label: chosen.id, "io.session-controller.installation": "another"}
		}
		if id, err := w.runs(n, spec); err == nil {
			w.sayf("somebody: runs %s, which is nobody's, %v", id, spec.Labels)
		}
	case "empty table", "many gone", "all lost", "old copy":
		w.disaster(n, s)
	case "meddle":
		w.meddle(s)
	case "hold":
		w.hold(n, time.Duration(1+s.a%120)*time.Second)
	case "let go":
		w.letGo(n)
	default:
		w.goWrong(n, s)
	}
	w.pass(s.wait)
}

// choose picks a session that is not deleted.
func (w *world) choose(pick int) *session {
	w.mu.Lock()
	defer w.mu.Unlock()
	var there []*session
	for _, s := range w.sessions {
		if !s.deleted.Load() {
			there = append(there, s)
		}
	}
	if len(there) == 0 {
		return nil
	}
	return there[pick%len(there)]
}

func (w *world) serverActs(s *session, step step) {
	update := func(what, statement string, args ...any) {
		if w.server(s, "UPDATE sessions SET "+statement+" WHERE id = $1", append([]any{s.id}, args...)...) > 0 {
			w.sayf("server: session %s %s", s.id, what)
		}
	}
	switch step.kind {
	case "end":
		w.end(s, []string{"TERMINATED", "ERROR"}[step.b%2])
	case "end with stop":
		w.stopSession(s, step, true)
	case "stop then end":
		w.stopSession(s, step, false)
	case "delete":
		w.delete(s)
	case "toggle":
		w.server(s, "UPDATE sessions SET status = CASE status WHEN 'ACTIVE' THEN 'IDLE' ELSE 'ACTIVE' END "+
			"WHERE id = $1 AND status IN ('ACTIVE', 'IDLE')", s.id)
	case "share":
		w.share(s, step)
	case "respawn":
		if w.breaks == makesTwo && step.b%2 == 0 {
			w.twice(s, step)
			return
		}
		w.respawn(s, step)
	case "clear":
		// The row is ended or its container removed first: to clear a live row's claim means that it has none.
		if c, there := s.node.engine.Look(s.container()); there {
			w.end(s, "TERMINATED")
			_ = s.node.engine.Remove(c.ID, true)
		}
		update("claims nothing", "container_id = NULL")
	case "unknown status":
		update("has a status that nobody knows", "status = 'ARCHIVED'")
	case "known status":
		w.server(s, "UPDATE sessions SET status = 'TERMINATED' WHERE id = $1 AND status = 'ARCHIVED'", s.id)
	case "recreate":
		w.recreate(s, step)
	case "claim nonsense":
		s.odd.Store(true)
		update("claims nonsense", "container_id = $2", []string{"no such/thing?", "deadbeef", "   ", "a b"}[step.b%4])
	case "claim nothing":
		s.odd.Store(true) // what it had may be superseded, adopted again or removed
		update("claims something that never was", "container_id = $2", fmt.Sprintf("never-was-%d", step.b))
	case "move":
		w.move(s)
	}
}

// move gives a row to the other node; its container stays where it is.
func (w *world) move(s *session) {
	if w.engines < 2 {
		return
	}
	other := w.nodes[0]
	if s.node == other {
		other = w.nodes[1]
	}
	w.server(s, "UPDATE sessions SET node = $2 WHERE id = $1", s.id, other.name)
	w.sayf("server: session %s moves to %s", s.id, other.name)
}

// containerActs is what happens to one container.
func (w *world) containerActs(n *node, c engine.Container, s step) {
	e := n.engine
	said := s.kind
	switch s.kind {
	case "crash":
		_ = e.Exit(c.ID, s.b%3)
	case "oom":
		_ = e.OOM(c.ID, s.b%2 == 0)
	case "stop":
		w.beside(func() { _, _ = e.Stop(c.ID, 10*time.Second) })
	case "kill":
		w.beside(func() { _ = e.Kill(c.ID, []string{"KILL", "TERM", "HUP"}[s.b%3]) })
	case "remove":
		_ = e.Remove(c.ID, true)
	case "pause":
		_ = e.Pause(c.ID)
	case "unpause":
		_ = e.Unpause(c.ID)
	case "restart":
		if c.Stubborn {
			return
		}
		w.beside(func() {
			_ = e.Restart(c.ID, 10*time.Second)
			w.sayf("somebody: has restarted %s", c.ID)
		})
	case "wedge":
		_ = e.Wedge(c.ID, s.b%3 != 0)
		said = fmt.Sprintf("wedge %t", s.b%3 != 0)
	case "jam":
		_ = e.FailRemovals(c.ID, s.b%3 != 0)
		said = fmt.Sprintf("jam %t", s.b%3 != 0)
	case "slow removal":
		_ = e.SlowRemoval(c.ID, time.Duration(s.b%5)*time.Second)
	case "rename":
		w.rename(n, c)
		return
	case "start behind back":
		w.startBehindBack(n, s)
		return
	case "exit unnoticed":
		w.exitUnnoticed(n, c, s)
		return
	}
	w.sayf("somebody: %s %s (%s, %s)", said, c.ID, c.Name, c.Status)
}

// rename gives a container another name, where no row relies on the one it has.
func (w *world) rename(n *node, c engine.Container) {
	for _, r := range w.rows() {
		if r.claim == c.Name {
			return
		}
	}
	if n.engine.Rename(c.ID, c.Name+"x") == nil {
		w.sayf("somebody: renamed %s to %sx", c.ID, c.Name)
	}
}

// startBehindBack makes a stopped container run again just before the engine is asked to remove something.
func (w *world) startBehindBack(n *node, s step) {
	left := 1 + s.b%3
	w.mu.Lock()
	n.behind = func(c engine.Call) {
		if c.Op != engine.OpRemove || c.Done {
			return
		}
		w.mu.Lock()
		left--
		now := left == 0
		w.mu.Unlock()
		if !now {
			return
		}
		if n.engine.Start(c.Ref) == nil {
			w.sayf("somebody: started %s just before its removal", c.Ref)
		}
	}
	w.mu.Unlock()
	w.sayf("somebody: will start a container just before its removal")
}

// exitUnnoticed is a process that ends while its engine is away: no event ever tells of it.
func (w *world) exitUnnoticed(n *node, c engine.Container, s step) {
	n.outage(func() {
		w.sayf("engine %s: crashes, %s ends meanwhile, it lives on: %t", n.name, c.ID, s.b%2 == 0)
		n.doubtEvents(3 * time.Minute)
		n.engine.Crash()
		_ = n.engine.Exit(c.ID, 1)
		w.pass(time.Duration(s.b%40) * time.Second)
		n.engine.Boot(s.b%2 == 0)
	})
}

// disaster is what hits many at once.
func (w *world) disaster(n *node, s step) {
	w.mu.Lock()
	sessions := append([]*session(nil), w.sessions...)
	w.mu.Unlock()
	switch s.kind {
	case "many gone":
		w.sayf("somebody: removes every container of %s", n.name)
		for _, c := range n.engine.All() {
			_ = n.engine.Remove(c.ID, true)
		}
	case "all lost":
		if s.d%4 == 0 {
			w.sayf("server: has enough sessions for a share of them to mean something")
			for range w.least() + 2 {
				w.plain(n)
			}
			w.pass(2 * time.Second)
		}
		w.allLost(n, time.Duration(s.b%30)*time.Second)
	case "old copy":
		w.sayf("server: has an old copy of its database, without the later sessions and without any pause")
		w.forgetPauses()
		for _, session := range sessions[len(sessions)/4:] {
			w.delete(session)
		}
	case "empty table":
		if s.b%4 != 0 {
			return
		}
		w.sayf("server: empties its table")
		for _, session := range sessions {
			w.delete(session)
		}
	}
}

// allLost is a host that comes back from a reboot without its containers.
func (w *world) allLost(n *node, away time.Duration) {
	n.outage(func() {
		n.doubtEvents(away + 3*time.Minute)
		w.noteAlive(n)
		n.engine.Crash()
		n.engine.Lose()
		w.pass(away)
		n.engine.Boot(false)
		w.sayf("engine %s: is back after %s and has lost every container", n.name, away)
		w.noteLoss(n)
	})
}
