package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/docker/docker/api/types/container"

	"github.com/session-controller/session-controller/test/testenv"
)

// accident is something that can happen to a session. Its container is there before, so that it can happen while the
// engine or the database is away.
type accident struct {
	happens func()
	want    settled
}

// number makes names of sessions.
func (w *world) number() string {
	w.sessions++
	return fmt.Sprintf("s%04d", w.sessions)
}

// claimed starts a container with the session's label and saves its claim, in the order that a session server keeps.
func (w *world) claimed() (session, id string) {
	w.Helper()
	session = w.number()
	w.insert(session, "ACTIVE", nil)
	id = w.labelled(session)
	w.serverDoes(`UPDATE sessions SET container_id = $1 WHERE id = $2`, id, session)
	return session, id
}

// named is claimed for a container that only its name tells to be ours: if its row ever lets go of it too early,
// nothing finds it any more.
func (w *world) named(c testenv.Container) (session, id string) {
	w.Helper()
	session, id = w.number(), w.run(c)
	w.insert(session, "ACTIVE", id)
	return session, id
}

// crashes is a process that ends by itself. It needs neither the engine nor the database.
func (w *world) crashes() accident {
	w.Helper()
	session, id := w.named(testenv.Container{})
	return accident{w.killer(id), settled{session, "ERROR NULL", id, "gone"}}
}

// ends is a session that its server ends, and that claims its container by name: that is pinned first. It needs the
// database.
func (w *world) ends() accident {
	w.Helper()
	name := testenv.Name(w.TB, w.prefix)
	session, id := w.number(), w.run(testenv.Container{Name: name})
	w.insert(session, "ACTIVE", name)
	return accident{func() {
		w.serverDoes(`UPDATE sessions SET status = 'TERMINATED' WHERE id = $1`, session)
	}, settled{session, "TERMINATED NULL", id, "gone"}}
}

// vanishes is a container that somebody removes by force. It needs the engine.
func (w *world) vanishes() accident {
	w.Helper()
	session, id := w.named(testenv.Container{})
	return accident{func() {
		if err := w.docker.ContainerRemove(w.Context(), id, container.RemoveOptions{Force: true}); err != nil {
			w.Fatal(err)
		}
	}, settled{session, "ERROR NULL", id, "gone"}}
}

// leaks is a row that is deleted while its container runs. It needs the database.
func (w *world) leaks() accident {
	w.Helper()
	session, id := w.claimed()
	return accident{func() {
		w.serverDoes(`DELETE FROM sessions WHERE id = $1`, session)
	}, settled{container: id, state: "gone"}}
}

// forgets is a claim that the server loses: the container is found by its label. It needs the database.
func (w *world) forgets() accident {
	w.Helper()
	session, id := w.claimed()
	return accident{func() {
		w.serverDoes(`UPDATE sessions SET container_id = NULL WHERE id = $1`, session)
	}, settled{session, "ACTIVE " + id, id, "running"}}
}

// neverStarts is a claim of a container that was created and no more, which costs little to make. It needs the
// database.
func (w *world) neverStarts() accident {
	w.Helper()
	session, id := w.number(), w.run(testenv.Container{NoStart: true})
	return accident{func() { w.insert(session, "ACTIVE", id) }, settled{session, "ERROR NULL", id, "gone"}}
}

// endsUnstarted is a session that is over before its container has started. It needs the database.
func (w *world) endsUnstarted() accident {
	w.Helper()
	session, id := w.number(), w.run(testenv.Container{NoStart: true})
	return accident{func() { w.insert(session, "TERMINATED", id) }, settled{session, "TERMINATED NULL", id, "gone"}}
}

// accidents are one of each kind, or of these kinds, n times over.
func (w *world) accidents(n int, kinds ...func() accident) []accident {
	w.Helper()
	if len(kinds) == 0 {
		kinds = []func() accident{w.crashes, w.ends, w.vanishes, w.leaks, w.forgets}
	}
	all := make([]accident, 0, n*len(kinds))
	for range n {
		for _, kind := range kinds {
			all = append(all, kind())
		}
	}
	return all
}

// happen lets them all happen and returns what must become of them.
func happen(all []accident) (want []settled) {
	for _, a := range all {
		a.happens()
		want = append(want, a.want)
	}
	return want
}

// killer returns what ends a container's process from the host. It asks the engine now and nobody later.
func (w *world) killer(id string) func() {
	w.Helper()
	c, err := w.docker.ContainerInspect(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return func() {
		w.Helper()
		if err := killProcess(c.State.Pid, id); err != nil {
			w.Fatal(err)
		}
	}
}

// killProcess ends the process of a container from the host. A number that is not that process's, or not any more, is
// left alone: 0 would be the tests themselves, and any other may be somebody else's by now.
func killProcess(pid int, container string) error {
	if pid <= 0 {
		return fmt.Errorf("container %s has no process", container)
	}
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return fmt.Errorf("look at the process of container %s: %w", container, err)
	}
	if !strings.Contains(string(groups), container) {
		return fmt.Errorf("process %d is not that of container %s: it belongs to %q", pid, container, groups)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the process of container %s: %w", container, err)
	}
	return nil
}
