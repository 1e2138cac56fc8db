package engine_test

import (
	"fmt"
	"os"
	"slices"
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
			t.Logf("%s", strings.Join(genuine.seen, "\n"))
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
		if p.crashed {
			s.crash(p.Name)
			s.again(p.Name, 1)
		}
	}
	for _, p := range patients {
		if strings.HasPrefix(p.Name, "loop") {
			s.until("the wait between two starts is long enough to be met", func() bool {
				seen := s.look(p.Name)
				return seen.RestartCount >= 5 && seen.Phase == dockerwatch.Restarting
			})
		}
		before[p.Name] = s.look(p.Name)
	}
	identity, err := s.engine.Info(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	s.away(o, patients)
	s.until("it answers", func() bool { _, err := s.engine.Info(s.t.Context()); return err == nil })
	for _, p := range patients {
		s.outcome(p, before[p.Name])
	}
	after, err := s.engine.Info(s.t.Context())
	s.notef("same identity %t, %v", identity.Identity() == after.Identity(), err)
}

// admit runs a container and does to it what is to be done before.
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
	if p.paused {
		s.send("POST", "/containers/"+id+"/pause", "")
		s.t.Cleanup(func() { s.unpause(id) }) // one that is frozen cannot be killed when the engine is cleared away
	}
	if p.stopped {
		s.send("POST", "/containers/"+id+"/stop?t=20", "")
	}
	return id
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
func (s *side) outcome(p patient, before dockerwatch.Observation) {
	s.t.Helper()
	var seen dockerwatch.Observation
	s.until("the container is at rest", func() bool {
		seen = s.look(p.Name)
		return seen.Phase != dockerwatch.Removing && (p.RestartPolicy != "always" || p.NoStart || seen.Phase.Alive())
	})
	if strings.HasPrefix(p.Name, "loop") && seen.Phase.Alive() {
		// It goes on, with some pause and some count.
		s.notef("%s: goes on, unbroken=%t, events %s", p.Name, seen.StartedAt.Equal(before.StartedAt),
			strings.Join(slices.Compact(s.actions(p.Name)), " "))
		return
	}
	s.notef("%s: %s, exit=%d oom=%t restarted=%d unbroken=%t same end=%t error=%q", p.Name, seen.Phase, seen.ExitCode,
		seen.OOMKilled, seen.RestartCount, seen.StartedAt.Equal(before.StartedAt), seen.FinishedAt.Equal(before.FinishedAt),
		seen.Error)
	s.tally(p.Name)
}

// patient is a container and what is done to it before the engine goes.
type patient struct {
	testenv.Container

	// paused and stopped is what somebody does to it, and dies that its process ends while the engine is away.
	paused, stopped, dies bool
	// crashed is one that its policy has started again once already.
	crashed bool
}

// patients are containers in every state and of every restart policy.
func (o outage) patients() []patient {
	loop := []string{"/workload", "exit", "3"}
	all := []patient{
		{Container: testenv.Container{Name: "plain"}},
		{Container: testenv.Container{Name: "always", RestartPolicy: "always"}},
		{Container: testenv.Container{Name: "unless-stopped", RestartPolicy: "unless-stopped"}},
		{Container: testenv.Container{Name: "on-failure", RestartPolicy: "on-failure"}},
		{Container: testenv.Container{Name: "auto", AutoRemove: true}},
		{Container: testenv.Container{Name: "stopped"}, stopped: true},
		{Container: testenv.Container{Name: "stopped-always", RestartPolicy: "always"}, stopped: true},
		{Container: testenv.Container{Name: "stopped-unless", RestartPolicy: "unless-stopped"}, stopped: true},
		{Container: testenv.Container{Name: "stopped-failure", RestartPolicy: "on-failure"}, stopped: true},
		{Container: testenv.Container{Name: "created", NoStart: true}},
		{Container: testenv.Container{Name: "created-always", RestartPolicy: "always", NoStart: true}},
		{Container: testenv.Container{Name: "created-auto", AutoRemove: true, NoStart: true}},
		{Container: testenv.Container{Name: "paused"}, paused: true},
		{Container: testenv.Container{Name: "paused-always", RestartPolicy: "always"}, paused: true},
	}
	if o.crash || o.liveRestore { // otherwise there is nothing left to die
		all = append(all,
			patient{Container: testenv.Container{Name: "died"}, dies: true},
			patient{Container: testenv.Container{Name: "died-always", RestartPolicy: "always"}, dies: true},
			patient{Container: testenv.Container{Name: "died-again", RestartPolicy: "always"}, crashed: true, dies: true},
			patient{Container: testenv.Container{Name: "died-unless", RestartPolicy: "unless-stopped"}, dies: true},
			patient{Container: testenv.Container{Name: "died-failure", RestartPolicy: "on-failure"}, dies: true},
			patient{Container: testenv.Container{Name: "died-auto", AutoRemove: true}, dies: true},
		)
	}
	// Last, as they must be found in the wait between two starts.
	return append(all,
		patient{Container: testenv.Container{Name: "loop", RestartPolicy: "always", Cmd: loop}},
		patient{Container: testenv.Container{Name: "loop-unless", RestartPolicy: "unless-stopped", Cmd: loop}},
		patient{Container: testenv.Container{Name: "loop-failure", RestartPolicy: "on-failure", Cmd: loop}},
	)
}
