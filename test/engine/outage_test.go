package engine_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/engine"
	"github.com/session-controller/session-controller/test/testenv"
)

// outage is how an engine goes; in every case it comes back.
type outage struct {
	name               string
	crash, liveRestore bool
}

// What becomes of containers when their engine goes and comes back, on a real engine and on that of this package.
func TestContractOfOutages(t *testing.T) {
	t.Parallel()
	for _, o := range []outage{
		{"crash", true, false},
		{"shutdown", false, false},
		{"crash with live restore", true, true},
		{"shutdown with live restore", false, true},
	} {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			var args []string
			if o.liveRestore {
				args = []string{"--live-restore"}
			}
			private := testenv.StartEngine(t, args...)
			genuine := newSide(t, private.Host())
			genuine.private = private
			fake := engine.New("outage")
			ours := newSide(t, listen(t, fake))
			ours.fake = fake
			genuine.goesThrough(o)
			ours.goesThrough(o)
			ours.same(genuine)
		})
	}
}

// goesThrough makes the containers, has the engine go and come back, and notes what became of them.
func (s *side) goesThrough(o outage) {
	s.t.Helper()
	before := map[string]dockerwatch.Observation{}
	patients := o.patients()
	for _, p := range patients {
		s.ids[p.Name] = s.admit(p)
		s.prepare(p)
	}
	var loops []string
	for _, p := range patients {
		if before[p.Name] = s.look(p.Name); p.loops() {
			loops = append(loops, p.Name)
		}
	}
	maps.Copy(before, s.pausing(loops...))
	identity, err := s.engine.Info(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.away(o, patients)
	s.until("it answers", func() bool { _, err := s.engine.Info(s.t.Context()); return err == nil })
	for _, p := range patients {
		s.outcome(o, p, before[p.Name])
	}
	after, err := s.engine.Info(s.t.Context())
	s.notef("same identity %t, %v", identity.Identity() == after.Identity(), err)
}

// admit runs a container.
func (s *side) admit(p patient) (id string) {
	s.t.Helper()
	c := p.Container
	c.Name, c.Labels = s.run+"-"+p.Name, map[string]string{"contract": s.run}
	if s.fake != nil {
		spec := engine.Spec{Name: c.Name, RestartPolicy: c.RestartPolicy, AutoRemove: c.AutoRemove, Labels: c.Labels}
		if len(c.Cmd) > 0 {
			spec.Lives, spec.ExitsWith = time.Millisecond, 3
		}
		var err error
		if id, err = s.fake.Create(spec); err == nil && !c.NoStart {
			err = s.fake.Start(id)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	} else {
		id = s.private.Run(c)
	}
	return id
}

// prepare does to a container what is to be done before.
func (s *side) prepare(p patient) {
	s.t.Helper()
	id := s.ids[p.Name]
	switch {
	case p.paused:
		s.send(http.MethodPost, "/containers/"+id+"/pause", "")
		s.t.Cleanup(func() { s.unpause(id) }) // one that is frozen cannot be killed when the engine is cleared away
	case p.stopped:
		s.send(http.MethodPost, "/containers/"+id+"/stop?t=20", "")
	case p.crashed:
		s.crash(p.Name)
		s.again(p.Name)
	case p.unremovable:
		s.unremovable(p.Name, true)
		s.send(http.MethodDelete, "/containers/"+id+"?force=1", "")
	}
}

// away has the engine go and come back; meanwhile the processes end that are to.
func (s *side) away(o outage, patients []patient) {
	s.t.Helper()
	if s.fake != nil {
		if o.crash {
			s.fake.Crash()
		} else {
			s.fake.Shutdown(o.liveRestore, time.Second)
		}
		for _, p := range patients {
			if p.dies {
				s.crash(p.Name)
			}
		}
		s.fake.Boot(o.liveRestore)
		return
	}
	processes := map[string]int{}
	for _, p := range patients {
		if p.dies {
			seen, err := s.private.Docker().ContainerInspect(s.t.Context(), s.ids[p.Name])
			if err != nil || seen.State.Pid <= 0 {
				s.t.Fatalf("no process of %s: %v", p.Name, err)
			}
			processes[s.ids[p.Name]] = seen.State.Pid
		}
	}
	if o.crash {
		s.private.Kill()
	} else {
		s.private.Terminate()
	}
	for id, pid := range processes {
		groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
		if err != nil || !strings.Contains(string(groups), id) {
			s.t.Fatalf("process %d is not that of container %s: %v", pid, id, err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			s.t.Fatal(err)
		}
	}
	s.private.Start()
}

// outcome notes what became of a container when it is at rest, or runs.
func (s *side) outcome(o outage, p patient, before dockerwatch.Observation) {
	s.t.Helper()
	var seen dockerwatch.Observation
	s.until("the container is at rest", func() bool {
		seen = s.look(p.Name)
		return seen.Phase != dockerwatch.Removing && (p.RestartPolicy != "always" || p.NoStart || seen.Phase.Alive())
	})
	if p.loops() && seen.Phase.Alive() {
		s.notef("%s: goes on, unbroken=%t", p.Name, seen.StartedAt.Equal(before.StartedAt)) // and is somewhere in its loop
		return
	}
	s.notef("%s: %s, exit=%d oom=%t restarted=%t unbroken=%t same end=%t error=%q", p.Name, seen.Phase, seen.ExitCode,
		seen.OOMKilled, seen.RestartCount > 0, seen.StartedAt.Equal(before.StartedAt),
		seen.FinishedAt.Equal(before.FinishedAt), seen.Error)
	if p.AutoRemove && !o.crash && !o.liveRestore {
		return // an engine that is shut down removes it before it goes or when it is back
	}
	s.tally(p.Name)
}
