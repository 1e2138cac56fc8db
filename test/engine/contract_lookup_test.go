package engine_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
)

// listed notes what the list shows with these filters, newest first.
func (s *side) listed(what, only string) {
	s.t.Helper()
	only = s.filled(only)
	var list []container.Summary
	_, _, answer := s.send("GET", "/containers/json?all=1&filters="+url.QueryEscape(only), "")
	if err := json.Unmarshal(answer, &list); err != nil {
		s.t.Fatalf("%s: list by %s: %v", s.name(), only, err)
	}
	var shown []string
	for _, c := range list {
		if c.Labels["contract"] == s.run {
			shown = append(shown, fmt.Sprint(c.ID, c.Names, c.State))
		}
	}
	s.notef("%s: listed by %s: %v", what, only, shown)
}

// With more containers than there are hex digits, some id begins as another does.
func TestContractOfReferences(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		const many = 17
		prefix := ""
		first := map[byte]bool{}
		for i := range many {
			name := fmt.Sprint("c", i)
			s.create(name, `{"Cmd":["/workload","sleep"]}`)
			digit := s.ids[name][0]
			if first[digit] {
				prefix = string(digit)
			}
			first[digit] = true
		}
		for _, call := range []string{"GET %s/json", "POST %s/stop", "POST %s/kill", "DELETE %s"} {
			method, path, _ := strings.Cut(fmt.Sprintf(call, prefix), " ")
			s.aliases = map[string]string{
				"/" + prefix + "/": "/<prefix>/", " " + prefix + ": ": " <prefix>: ", "prefix: " + prefix: "prefix: <prefix>",
				"/" + prefix + ": ": "/<prefix>: ",
			}
			s.call(method, "/containers/"+path, "")
		}
		s.aliases = nil
		seen, err := s.engine.Observe(s.t.Context(), prefix)
		s.notef("an ambiguous one observed: %q, an error %t", seen.Phase, err != nil)
		for _, ref := range []string{
			"{c3}", "{c3 short}", "{run}-c3", "/{run}-c3", "{run}-c3/", "{run}-c", strings.Repeat("0", 63),
			strings.Repeat("0", 64), strings.Repeat("0", 65), "{c3}0", strings.ToUpper(s.ids["c3"]),
		} {
			s.aliases = map[string]string{strings.ToUpper(s.ids["c3"]): "<C3>"}
			s.call("GET", "/containers/"+ref+"/json", "")
		}
	})
}

func TestContractOfFilters(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		s.create("a", `{"Cmd":["/workload","sleep"]}`)
		s.create("ab", `{"Cmd":["/workload","sleep"]}`)
		s.call("POST", "/containers/{ab}/start", "")
		for _, only := range []string{
			`{"name":["^/?{run}-a$"]}`, `{"name":["^{run}-a$"]}`, `{"name":["^/{run}-a$"]}`, `{"name":["{run}-a"]}`,
			`{"name":["{run}-ab","{run}-a$"]}`, `{"name":["{run}-b"]}`, `{"name":["^/?{run}-(a|ab)$"]}`, `{"name":["/{run}-a"]}`,
			`{"name":{"^/?{run}-ab$":true}}`, `{"name":["[{run}"]}`, `{"name":[""]}`,
			`{"label":["contract={run}"]}`, `{"label":["contract"]}`, `{"label":["contract=other"]}`, `{"label":["contract="]}`,
			`{"label":["contract","other"]}`, `{"label":["contract={run}","contract"]}`,
			`{"label":["contract={run}"],"name":["a$"]}`,
			`{"label":{"contract={run}":true}}`,
		} {
			s.listed("filter", only)
		}
		for _, bad := range []string{`{"name":"a"}`, `{`, `[]`, `{"name":{"a":1}}`} {
			s.call("GET", "/containers/json?filters="+url.QueryEscape(bad), "")
		}
	})
}
