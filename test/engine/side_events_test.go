package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// record keeps what the engine tells of containers from now on until the test ends. An engine remembers its last 256
// events alone, of all tests that use it.
func (s *side) record() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, `http://docker/events?filters={"type":["container"]}`,
		http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.told = &recording{}
	var reading sync.WaitGroup
	reading.Go(func() {
		for decoder := json.NewDecoder(resp.Body); ; {
			var m events.Message
			if decoder.Decode(&m) != nil { // the test is over, or the engine
				return
			}
			s.told.add(m)
		}
	})
	s.t.Cleanup(func() {
		cancel()
		_ = resp.Body.Close()
		reading.Wait()
	})
}

// recording is what an engine has told so far.
type recording struct {
	mu   sync.Mutex
	told []events.Message
}

func (r *recording) add(m events.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, m)
}

// of returns what was told of a container.
func (r *recording) of(id string) (told []events.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.told {
		if m.Actor.ID == id {
			told = append(told, m)
		}
	}
	return told
}

// kills notes how often the engine says that it killed a container.
func (s *side) kills(name string) {
	s.t.Helper()
	n := 0
	for _, action := range s.actions(name) {
		if action == string(dockerwatch.ActionKill) {
			n++
		}
	}
	s.notef("%s was killed %d times", name, n)
}

// events notes what the engine has told of a container when the last of it has come, sorted: stop and die come in
// either order.
func (s *side) events(name string, last ...string) {
	s.t.Helper()
	var told []events.Message
	s.until("the engine has told all of "+name, func() bool {
		told = s.told.of(s.ids[name])
		return !slices.ContainsFunc(last, func(action string) bool {
			return !slices.ContainsFunc(told, func(m events.Message) bool { return string(m.Action) == action })
		})
	})
	heard := make([]string, 0, len(told))
	for _, m := range told {
		a := m.Actor.Attributes
		heard = append(heard, fmt.Sprintf("%s %s exit=%s signal=%s name=%s label=%t image=%t exec=%t timed=%t",
			m.Type, m.Action, a["exitCode"], a["signal"], a["name"], a["contract"] == s.run, a["image"] != "",
			a["execID"] != "", m.TimeNano > 0))
	}
	s.notef("events of %s:\n%s", name, strings.Join(onePause(heard), "\n"))
}

// onePause sorts events and leaves one of two that tell of a pause or its end: a real engine hears of both from two
// sides, from the call and from containerd, and under load it tells of both.
func onePause(told []string) []string {
	slices.Sort(told)
	return slices.CompactFunc(told, func(a, b string) bool { return a == b && strings.Contains(a, "pause ") })
}

// tally notes what the engine has told of a container, sorted, without that which comes one time and not another.
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

// actions are what the engine has told of a container by now, sorted; without a recording, what it remembers.
func (s *side) actions(name string) (all []string) {
	s.t.Helper()
	moments, err := s.engine.RecentEvents(s.t.Context(), time.Time{})
	if err != nil {
		s.t.Fatal(err)
	}
	moments = slices.DeleteFunc(moments, func(m dockerwatch.Moment) bool { return m.ID != s.ids[name] })
	if s.told == nil {
		for _, m := range moments {
			all = append(all, string(m.Action))
		}
		slices.Sort(all)
		return all
	}
	var told []events.Message
	s.until("the stream has told what the engine remembers of "+name, func() bool {
		told = s.told.of(s.ids[name])
		return !slices.ContainsFunc(moments, func(m dockerwatch.Moment) bool {
			return !slices.ContainsFunc(told, func(e events.Message) bool { return e.TimeNano == m.Time.UnixNano() })
		})
	})
	for _, m := range told {
		action, _, _ := strings.Cut(string(m.Action), ":")
		all = append(all, action)
	}
	slices.Sort(all)
	return all
}
