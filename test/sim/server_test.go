package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/session-controller/session-controller/test/engine"
)

// The pace of the server: how long it takes from one thing it does to the next. The longest keeps its contract still.
func pace(n int) time.Duration {
	return []time.Duration{0, 0, time.Millisecond, 50 * time.Millisecond, 2 * time.Second, 20 * time.Second}[n%6]
}

// newSession gives a session an id: a new one, or where ids are numbers one that a deleted session had.
func (w *world) newSession(n *node, pick int) *session {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &session{node: n}
	switch {
	case !w.numbers:
		w.numbered++
		s.id = "s" + strconv.Itoa(w.numbered)
	default:
		var free []string
		for _, old := range w.sessions {
			if old.deleted.Load() && !w.inUse(old.id) {
				free = append(free, old.id)
			}
		}
		if len(free) > 0 && pick%2 == 0 {
			s.id = free[pick%len(free)]
			break
		}
		w.numbered++
		s.id = strconv.Itoa(w.numbered)
	}
	w.sessions = append(w.sessions, s)
	return s
}

// inUse reports whether a session that is not deleted has an id. w.mu is held.
func (w *world) inUse(id string) bool {
	return slices.ContainsFunc(w.sessions, func(s *session) bool { return s.id == id && !s.deleted.Load() })
}

// spec is what the server makes for a session, or something of another kind: a container with no label, without the
// installation, with the keep label, or without anything.
func (w *world) spec(s *session, step step) engine.Spec {
	w.mu.Lock()
	w.made++
	name := fmt.Sprintf("web-%d", w.made)
	w.mu.Unlock()
	spec := engine.Spec{
		Name: name, Labels: map[string]string{label: s.id, "io.session-controller.installation": installation},
		Cmd: []string{"/server", "--token=" + secret}, Env: []string{"TOKEN=" + secret},
		RestartPolicy: []string{"", "", "always", "unless-stopped", "on-failure", ""}[step.b%6],
		AutoRemove:    step.b%6 == 5,
		Stubborn:      step.b%4 == 3,
	}
	switch step.d % 10 {
	case 6:
		spec.Labels = nil
		if owned := prefix + s.id; w.nameIsFree(s.node, owned) {
			spec.Name = owned
		}
	case 7:
		delete(spec.Labels, "io.session-controller.installation")
	case 8:
		spec.Labels["io.session-controller.keep"] = "true"
	case 9:
		spec.Labels = nil
	}
	if step.a%13 == 12 {
		spec.Labels = map[string]string{label: s.id, "io.session-controller.installation": "another"}
	}
	return spec
}

// nameIsFree reports whether no container has the name and no row claims it: two sessions that use one name are a
// mistake of the server that no controller can see through.
func (w *world) nameIsFree(n *node, name string) bool {
	if _, taken := n.engine.Look(name); taken {
		return false
	}
	for _, r := range w.rows() {
		if r.claim == name {
			return false
		}
	}
	return true
}

// claimOf is how the server writes down a container.
func claimOf(style int, id, name string) string {
	switch style % 4 {
	case 0, 1:
		return id
	case 2:
		return id[:12]
	}
	return name
}

// busy does something for a session that takes time. The server does one thing after another for each session; only to
// end or delete one it does not wait.
func (w *world) busy(s *session, do func()) {
	s.busy.Store(true)
	w.beside(func() {
		do()
		s.busy.Store(false)
	})
}

// insert makes the row.
func (w *world) insert(s *session, status string, claim any, pick int) {
	var on any = s.node.name
	if w.engines == 2 && pick%11 == 10 {
		on = nil
	}
	w.sayf("server: inserts session %s %s claiming %v", s.id, status, claim)
	w.server(s, "INSERT INTO sessions (id, status, container_id, node, created_at) VALUES ($1, $2, $3, $4, $5)",
		s.id, status, claim, on, time.Now().UnixMilli())
}

// creates and runs are how every container of the server's is made.
func (w *world) creates(n *node, spec engine.Spec) (string, error) {
	id, err := n.engine.Create(spec)
	w.noteRowless()
	return id, err
}

func (w *world) runs(n *node, spec engine.Spec) (string, error) {
	id, err := n.engine.Run(spec)
	w.noteRowless()
	return id, err
}

// takes is a session that is live again with a new container: whatever was odd about it is over.
func (w *world) takes(s *session, claim string) {
	s.odd.Store(false)
	n := w.server(s, "UPDATE sessions SET status = 'ACTIVE', container_id = $1 WHERE id = $2", claim, s.id)
	w.sayf("server: session %s is respawned and claims %s, %d row", s.id, claim, n)
}

// save writes the claim down, as a server does when its run call has returned: without looking.
func (w *world) save(s *session, claim string) {
	if w.server(s, "UPDATE sessions SET container_id = $1 WHERE id = $2 AND status IN ('ACTIVE', 'IDLE')",
		claim, s.id) > 0 {
		w.sayf("server: session %s claims %s", s.id, claim)
	}
}

// end ends the row.
func (w *world) end(s *session, status string) {
	if w.server(s, "UPDATE sessions SET status = $1 WHERE id = $2", status, s.id) > 0 {
		w.sayf("server: session %s is %s", s.id, status)
	}
}

// delete takes the row away.
func (w *world) delete(s *session) {
	if w.server(s, "DELETE FROM sessions WHERE id = $1", s.id) > 0 {
		w.sayf("server: session %s is deleted", s.id)
	}
	w.mu.Lock()
	s.deleted.Store(true)
	w.mu.Unlock()
}

// bindAll remembers what all rows mean now.
func (w *world) bindAll() {
	w.writing.Lock()
	defer w.writing.Unlock()
	for _, r := range w.rows() {
		w.bind(r)
	}
}
