package engine_test

import (
	"errors"
	"testing"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

func TestContractOfOutput(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		says := func(name string, lines int) {
			s.t.Helper()
			output, err := s.engine.Output(s.t.Context(), dockerwatch.Observation{ID: s.ids[name]}, lines)
			s.notef("the last %d lines of %s: %q, gone %t, %t", lines, name, output,
				errors.Is(err, dockerwatch.ErrNotThere), err == nil)
		}
		s.create("said", `{"Cmd":["/workload","say","3","one","two"]}`)
		says("said", 2)
		s.call("POST", "/containers/{said}/start", "")
		s.is("said", dockerwatch.Exited)
		for _, lines := range []int{1, 2, 10} {
			says("said", lines)
		}
		s.call("POST", "/containers/{said}/start", "")
		s.is("said", dockerwatch.Exited)
		says("said", 10)
		s.call("DELETE", "/containers/{said}", "")
		s.is("said", dockerwatch.Gone)
		says("said", 10)

		s.create("quiet", `{"Cmd":["/workload","exit","0"]}`)
		s.call("POST", "/containers/{quiet}/start", "")
		s.is("quiet", dockerwatch.Exited)
		says("quiet", 10)

		s.create("runs", `{"Cmd":["/workload","sleep"]}`)
		s.call("POST", "/containers/{runs}/start", "")
		s.ready("runs")
		says("runs", 10)
	})
}
