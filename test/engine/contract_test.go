package engine_test

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

func TestContractOfALife(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		s.create("a", `{"Cmd":["/workload","sleep"]}`)
		s.is("a", dockerwatch.Created)
		s.call("POST", "/containers/create?name={run}-a", `{"Image":"`+testenv.Image(s.t)+`","Cmd":["/workload","sleep"]}`)
		s.call("POST", "/containers/{a}/start", "")
		s.is("a", dockerwatch.Running)
		s.call("POST", "/containers/{a}/start", "")
		s.is(s.run+"-a", dockerwatch.Running)
		s.is(s.ids["a"][:12], dockerwatch.Running)
		s.call("DELETE", "/containers/{a}", "")
		s.call("POST", "/containers/{a}/pause", "")
		s.is("a", dockerwatch.Paused)
		s.call("DELETE", "/containers/{a}", "")
		s.call("POST", "/containers/{a}/unpause", "")
		s.call("POST", "/containers/{a}/unpause", "")
		s.call("POST", "/containers/{a}/rename?name={run}-b", "")
		s.is(s.run+"-b", dockerwatch.Running)
		s.is(s.run+"-a", dockerwatch.Gone)
		s.call("POST", "/containers/{a}/kill?signal=SIGKILL", "")
		s.is("a", dockerwatch.Exited)
		s.call("POST", "/containers/{a}/kill?signal=SIGKILL", "")
		s.call("POST", "/containers/{a}/pause", "")
		s.call("POST", "/containers/{a}/stop?t=1", "")
		s.call("DELETE", "/containers/{a}", "")
		s.is("a", dockerwatch.Gone)
		s.call("DELETE", "/containers/{a}", "")
		for _, call := range []string{
			"stop?t=1", "kill", "kill?signal=HUP", "start", "pause", "unpause", "restart", "rename?name=x",
		} {
			s.call("POST", "/containers/{a}/"+call, "")
		}
		s.call("GET", "/containers/{a}/json", "")
		s.events("a", "destroy")

		s.create("r", `{"Cmd":["/workload","sleep"]}`)
		s.call("POST", "/containers/{r}/start", "")
		s.ready("r")
		s.call("POST", "/containers/{r}/restart?t=10", "")
		s.is("r", dockerwatch.Running)
		s.events("r", "restart")

		s.create("s", `{"Cmd":["/workload","sleep"]}`)
		s.call("POST", "/containers/{s}/start", "")
		s.ready("s")
		s.call("POST", "/containers/{s}/stop?t=10", "")
		s.is("s", dockerwatch.Exited)
		s.events("s", "stop", "die")
	})
}

func TestContractOfEnds(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		s.create("crashed", `{"Cmd":["/workload","exit","3"]}`)
		s.call("POST", "/containers/{crashed}/start", "")
		s.is("crashed", dockerwatch.Exited)
		s.events("crashed", "die")

		s.create("auto", `{"Cmd":["/workload","exit","0"],"HostConfig":{"AutoRemove":true}}`)
		s.call("POST", "/containers/{auto}/start", "")
		s.is("auto", dockerwatch.Gone)
		s.events("auto", "die", "destroy")

		s.create("forced", `{"Cmd":["/workload","sleep"]}`)
		s.call("POST", "/containers/{forced}/start", "")
		s.call("DELETE", "/containers/{forced}?force=1", "")
		s.is("forced", dockerwatch.Gone)
		s.events("forced", "destroy")

		s.create("stubborn", `{"Cmd":["/workload","ignore-term"]}`)
		s.call("POST", "/containers/{stubborn}/start", "")
		s.is("stubborn", dockerwatch.Running)
		s.ready("stubborn")
		s.call("POST", "/containers/{stubborn}/stop?t=1", "")
		s.is("stubborn", dockerwatch.Exited)
		s.events("stubborn", "die", "stop")

		s.create("loop", `{"Cmd":["/workload","exit","3"],"HostConfig":{"RestartPolicy":{"Name":"always"}}}`)
		s.call("POST", "/containers/{loop}/start", "")
		s.is("loop", dockerwatch.Restarting)
		s.pausing("loop")
		s.call("DELETE", "/containers/{loop}", "")
		s.call("POST", "/containers/{loop}/stop?t=1", "")
		s.is("loop", dockerwatch.Exited)
		s.call("DELETE", "/containers/{loop}", "")
		s.kills("loop")
	})
}

func TestContractOfLists(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		s.create("x", `{"Cmd":["/workload","sleep"]}`)
		s.create("y", `{"Cmd":["/workload","sleep"]}`)
		s.call("POST", "/containers/{y}/start", "")
		own := dockerwatch.Ownership{Label: "contract"}
		for _, session := range []string{s.run, ""} {
			listed, err := s.engine.ListRunning(s.t.Context(), own, session)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range listed.Containers {
				if c.Labels["contract"] == s.run {
					s.notef("running: %s %v %s created=%t", c.ID, c.Names, c.Phase, time.Since(c.Created) < time.Minute)
				}
			}
		}
		all, err := s.engine.List(s.t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all.Containers {
			if c.Labels["contract"] == s.run {
				s.notef("listed: %s %v %s", c.ID, c.Names, c.Phase)
			}
		}
		info, err := s.engine.Info(s.t.Context())
		s.notef("info: id=%t root=%t version=%t offset=%t %v", info.ID != "", info.RootDir != "", info.Version != "",
			info.Offset.Abs() < time.Second, err)
		moments, err := s.engine.RecentEvents(s.t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range moments {
			if m.ID == s.ids["x"] || m.ID == s.ids["y"] {
				s.notef("moment: %s %s", m.ID, m.Action)
			}
		}
		s.call("GET", "/nothing", "")
		s.call("GET", "/v1.99/containers/{x}/json", "")
		s.call("GET", "/containers//json", "")
		s.call("GET", "/containers/nobody/json", "")
		s.call("DELETE", "/v1.41/containers/nobody", "")
		s.call("GET", `/containers/json?filters={"colour":["red"]}`, "")
	})
}
