package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// The stream as it is asked for, with its filters, and what an engine puts into its memory beside that.
func TestContractOfAStream(t *testing.T) {
	t.Parallel()
	both(t, func(s *side) {
		heard := s.follow()
		s.create("c", `{"Cmd":["/workload","sleep"]}`)
		s.call("POST", "/containers/{c}/start", "")
		s.ready("c")
		s.probe("c", "/workload exit 0")
		for _, call := range []string{"pause", "unpause", "rename?name={run}-d", "restart?t=20"} {
			s.call("POST", "/containers/{c}/"+call, "")
		}
		s.ready("c") // or the signal to stop is lost
		s.call("POST", "/containers/{c}/stop?t=20", "")
		s.call("DELETE", "/containers/{c}", "")
		s.events("c", "destroy")
		s.until("the stream has told of the end", func() bool {
			return slices.ContainsFunc(heard(), func(a string) bool { return strings.HasPrefix(a, "destroy") })
		})
		s.notef("heard:\n%s", strings.Join(heard(), "\n"))
	})
}

// follow opens the stream of the real client, and returns what reads, sorted, what it has told of this side's
// containers.
func (s *side) follow() (heard func() []string) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	var mu sync.Mutex
	var all []dockerwatch.Event
	connected, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_ = s.engine.Events(ctx, time.Time{}, func(string) error {
			close(connected)
			return nil
		}, func(ev dockerwatch.Event) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, ev)
		})
	}()
	s.t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case <-connected:
	case <-done:
		s.t.Fatalf("%s: the stream did not begin", s.name())
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		var told []string
		for _, ev := range all {
			if ev.Labels["contract"] != s.run {
				continue
			}
			code := "none"
			if ev.ExitCode != nil {
				code = strconv.Itoa(*ev.ExitCode)
			}
			told = append(told, fmt.Sprintf("%s %s exit=%s timed=%t", ev.Action, ev.Name, code, !ev.Time.IsZero()))
		}
		return onePause(told)
	}
}

// probe runs a command in a container as a health probe does, and returns when it has ended.
func (s *side) probe(name, command string) {
	s.t.Helper()
	if s.fake != nil {
		s.fake.ExecCommand(command)
		s.fake.Probe(3)
		return
	}
	words, err := json.Marshal(map[string]any{"Cmd": strings.Fields(command)})
	if err != nil {
		s.t.Fatal(err)
	}
	var made container.ExecCreateResponse
	_, _, answer := s.send("POST", s.filled("/containers/{"+name+"}/exec"), string(words))
	if err := json.Unmarshal(answer, &made); err != nil || made.ID == "" {
		s.t.Fatalf("%s: exec: %s", s.name(), answer)
	}
	s.send("POST", "/exec/"+made.ID+"/start", `{"Detach":true}`)
	s.until("the command has ended", func() bool {
		moments, err := s.engine.RecentEvents(s.t.Context(), time.Time{})
		return err == nil && slices.ContainsFunc(moments, func(m dockerwatch.Moment) bool {
			return m.ID == s.ids[name] && m.Action == "exec_die"
		})
	})
}
