package engine_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/events"

	"github.com/session-controller/session-controller/test/engine"
)

// The page of a proxy can have a text that a test hopes to find nowhere.
func TestThePageOfAStranger(t *testing.T) {
	t.Parallel()
	e := engine.New("behind a proxy")
	for page, want := range map[string]string{"": "404 Not Found", "token=secret": "token=secret"} {
		heal := e.Add(engine.Trouble{Kind: engine.Stranger, Page: page})
		got := httptest.NewRecorder()
		e.ServeHTTP(got, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1.41/containers/x/json", http.NoBody))
		heal()
		if got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), want) {
			t.Errorf("with the page %q: %d %s", page, got.Code, got.Body)
		}
	}
}

// Health probes tell everybody their command line, and push everything else out of the engine's memory.
func TestProbes(t *testing.T) {
	t.Parallel()
	e := engine.New("probed")
	watch := client(t, e, patience)
	e.ExecCommand("/probe --token=mine")
	id, _ := e.Run(engine.Spec{Labels: map[string]string{"a": "b"}})
	s := &side{t: t, http: socketClient(t, watch.Host()), fake: e}
	stream := s.stream()
	const many = 300
	actions := make([]string, 0, many)
	e.Probe(many)
	for range many {
		var m events.Message
		if err := stream.Decode(&m); err != nil || m.Actor.ID != id || m.Actor.Attributes["a"] != "b" {
			t.Fatalf("heard %+v, %v", m, err)
		}
		actions = append(actions, string(m.Action))
	}
	want := []string{"exec_create: /probe --token=mine", "exec_start: /probe --token=mine", "exec_die"}
	if !slices.Equal(actions[:3], want) || !slices.Equal(actions[many-3:], want) {
		t.Errorf("heard %v … %v, want %v", actions[:3], actions[many-3:], want)
	}
	remembered, err := watch.RecentEvents(t.Context(), time.Time{})
	if err != nil || len(remembered) != 256 || remembered[0].Action != "exec_die" {
		t.Errorf("remembered %d, %v", len(remembered), err)
	}
}

// stream opens the events of every kind, from now on until the test ends.
func (s *side) stream() *json.Decoder {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://docker/events", http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = resp.Body.Close() })
	return json.NewDecoder(resp.Body)
}
