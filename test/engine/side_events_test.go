package engine_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// kills notes how often the engine says that it killed a container.
func (s *side) kills(name string) {
	s.t.Helper()
	moments, err := s.engine.RecentEvents(s.t.Context(), time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, m := range moments {
		if m.ID == s.ids[name] && m.Action == dockerwatch.ActionKill {
			n++
		}
	}
	s.notef("%s was killed %d times", name, n)
}

// events notes what the engine remembers of a container, sorted: stop and die come in either order.
func (s *side) events(name string, last ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		`http://docker/events?since=1&filters={"type":["container"]}`, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var heard []string
	lines := bufio.NewScanner(resp.Body)
	for len(last) > 0 && lines.Scan() {
		var m events.Message
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			s.t.Fatal(err)
		}
		if m.Actor.ID != s.ids[name] {
			continue
		}
		a := m.Actor.Attributes
		heard = append(heard, fmt.Sprintf("%s %s exit=%s signal=%s name=%s label=%t image=%t exec=%t timed=%t",
			m.Type, m.Action, a["exitCode"], a["signal"], a["name"], a["contract"] == s.run, a["image"] != "",
			a["execID"] != "", m.TimeNano > 0))
		last = slices.DeleteFunc(last, func(action string) bool { return action == string(m.Action) })
	}
	if len(last) > 0 {
		s.t.Fatalf("%s: no %v among the events of %s: %q", s.name(), last, name, heard)
	}
	s.notef("events of %s:\n%s", name, strings.Join(onePause(heard), "\n"))
}

// onePause sorts events and leaves one of two that tell of a pause or its end: a real engine hears of both from two
// sides, from the call and from containerd, and under load it tells of both.
func onePause(told []string) []string {
	slices.Sort(told)
	return slices.CompactFunc(told, func(a, b string) bool { return a == b && strings.Contains(a, "pause ") })
}

// tally notes what the engine remembers of a container, sorted, without that which comes one time and not another.
func (s *side) tally(name string, without ...dockerwatch.Action) {
	s.t.Helper()
	all := s.actions(name)
	all = slices.DeleteFunc(all, func(a string) bool { return slices.Contains(without, dockerwatch.Action(a)) })
	s.notef("events of %s: %s", name, strings.Join(all, " "))
}

// kinds is tally without how often each came.
func (s *side) kinds(name string) {
	s.t.Helper()
	s.notef("kinds of events of %s: %s", name, strings.Join(slices.Compact(s.actions(name)), " "))
}

// actions are what the engine remembers of a container, sorted.
func (s *side) actions(name string) []string {
	s.t.Helper()
	moments, err := s.engine.RecentEvents(s.t.Context(), time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for _, m := range moments {
		if m.ID == s.ids[name] {
			all = append(all, string(m.Action))
		}
	}
	slices.Sort(all)
	return all
}
