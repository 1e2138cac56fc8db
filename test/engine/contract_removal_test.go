package engine_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// A removal that fails leaves a container that is dead, and can be tried again.
func TestContractOfADeadContainer(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		info, err := s.engine.Info(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		s.aliases = map[string]string{info.RootDir: "<root>"}
		for _, c := range [][2]string{{"created"}, {"running", "?force=1"}} {
			name, force := c[0], c[1]
			s.create(name, `{"Cmd":["/workload","sleep"],"HostConfig":{"RestartPolicy":{"Name":"always"}}}`)
			if name == "running" {
				s.call("POST", "/containers/{"+name+"}/start", "")
				s.ready(name)
			}
			s.unremovable(name, true)
			s.call("DELETE", "/containers/{"+name+"}"+force, "")
			s.is(name, dockerwatch.Dead)
			s.notef("error %s", s.look(name).Error)
			s.call("DELETE", "/containers/{"+name+"}"+force, "")
			s.is(name, dockerwatch.Dead)
			s.call("POST", "/containers/{"+name+"}/start", "")
			s.call("POST", "/containers/{"+name+"}/stop", "")
			s.call("POST", "/containers/{"+name+"}/kill", "")
			s.call("POST", "/containers/{"+name+"}/pause", "")
			s.call("POST", "/containers/{"+name+"}/restart", "")
			s.call("POST", "/containers/{"+name+"}/rename?name={run}-other", "")
			s.listed("dead", `{"label":["contract={run}"]}`)
			s.call("POST", "/containers/create?name={run}-other", `{"Image":"`+testenv.Image(s.t)+`"}`)
			s.unremovable(name, false)
			s.call("DELETE", "/containers/{"+name+"}", "")
			s.is(name, dockerwatch.Gone)
			s.tally(name)
		}
	})
}

// While a removal is under way every other one is refused, whether it is forced or not.
func TestContractOfARemovalThatTakesLong(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		s.create("slow", `{"Cmd":["/workload","sleep"],"HostConfig":{"RestartPolicy":{"Name":"always"}}}`)
		s.slowToRemove("slow")
		done := make(chan string)
		go func() {
			status, err := s.try(s.t.Context(), http.MethodDelete, "/containers/"+s.ids["slow"])
			done <- fmt.Sprint(status, err)
		}()
		s.is("slow", dockerwatch.Removing)
		s.call("DELETE", "/containers/{slow}", "")
		s.call("DELETE", "/containers/{run}-slow?force=1", "")
		s.call("POST", "/containers/{slow}/start", "")
		s.listed("under way", `{"label":["contract={run}"]}`)
		s.notef("the removal itself: %s", <-done)
		s.is("slow", dockerwatch.Gone)
		s.tally("slow")
	})
}

// An OOM kill: the engine tells of it, sometimes twice. The mark stays with the container when it is started again, and
// goes with the next death that has another cause. A real engine may hear of the kill after the death, and then never
// marks it (12 to 25 of 100, see test/workload): here the process leaves it the time. A real engine was once seen to
// mark the next death, a kill, as well, probably because it heard of the OOM kill a second time and late: of that death
// the mark of the real engine does not count.
func TestContractOfAnOOMKill(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		for _, policy := range []string{"no", "always"} {
			s.create(policy, `{"Cmd":["/workload","oom"],"HostConfig":{"Memory":16777216,"MemorySwap":16777216,`+
				`"RestartPolicy":{"Name":"`+policy+`"}}}`)
			s.call("POST", "/containers/{"+policy+"}/start", "")
			s.ready(policy)
			s.outOfMemory(policy)
			if policy == "no" {
				s.is(policy, dockerwatch.Exited)
				s.call("POST", "/containers/{"+policy+"}/start", "")
			} else {
				s.again(policy)
			}
			s.is(policy, dockerwatch.Running)
			s.call("POST", "/containers/{"+policy+"}/kill", "")
			killed := s.await(policy, dockerwatch.Exited)
			if s.fake == nil {
				killed.OOMKilled = false
			}
			s.noteOf(policy, killed)
			s.kinds(policy)
		}
	})
}
