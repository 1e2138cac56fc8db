package engine_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/engine"
	"github.com/session-controller/session-controller/test/testenv"
)

const patience = 20 * time.Second

// side is one of the two engines, the real one or that of this package, and what was seen of it.
type side struct {
	t      *testing.T
	http   *http.Client
	engine *dockerwatch.Engine
	run    string            // makes the names of a run its own
	ids    map[string]string // container ids by the name that a script calls them
	seen   []string
	// fake is set where it is this package's engine, and private where it is a real one of the test's own.
	fake    *engine.Engine
	private *testenv.Engine
	// aliases are more of what is only this side's, and what stands for it.
	aliases map[string]string
}

func newSide(t *testing.T, host string) *side {
	t.Helper()
	socket := strings.TrimPrefix(host, "unix://")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	watch, err := dockerwatch.New(dockerwatch.Config{Host: host, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = watch.Close()
	})
	return &side{
		t: t, http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		engine: watch, run: testenv.Name(t, "contract-"), ids: map[string]string{},
	}
}

// both runs a script on the two engines and compares what was seen.
func both(t *testing.T, script func(s *side)) {
	t.Helper()
	genuine := newSide(t, testenv.DockerHost(t))
	script(genuine)
	fake := engine.New("contract")
	ours := newSide(t, listen(t, fake))
	ours.fake = fake
	script(ours)
	ours.same(genuine)
}

// same compares what was seen.
func (s *side) same(genuine *side) {
	s.t.Helper()
	if diff := cmp.Diff(genuine.seen, s.seen); diff != "" {
		s.t.Errorf("-real +test engine:\n%s", diff)
	}
}

// listen serves an engine on a socket and returns its host.
func listen(t *testing.T, e *engine.Engine) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "te-") //nolint:usetesting // the path of t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s.sock")
	ctx, cancel := context.WithCancel(context.Background())
	wait, err := e.Listen(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		wait()
		_ = os.RemoveAll(dir)
	})
	return "unix://" + socket
}

// notef adds to what was seen, with the names of this side's own taken out.
func (s *side) notef(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for name, id := range s.ids {
		text = strings.NewReplacer(id, "<"+name+">", id[:12], "<"+name+" short>").Replace(text)
	}
	for own, alias := range s.aliases {
		text = strings.ReplaceAll(text, own, alias)
	}
	s.seen = append(s.seen, strings.ReplaceAll(text, s.run, "<run>"))
}

// call sends a request and notes status, media type and, for a failure, what it says. {name} in a path is that
// container's id.
func (s *side) call(method, path, body string) []byte {
	s.t.Helper()
	path = s.filled(path)
	resp, answer := s.send(method, path, body)
	said := ""
	if resp.StatusCode >= http.StatusBadRequest {
		said = strings.TrimSpace(string(answer))
	}
	s.notef("%s %s: %d %s %s", method, path, resp.StatusCode, resp.Header.Get("Content-Type"), said)
	return answer
}

// filled is a text with this side's own in the place of {name}.
func (s *side) filled(text string) string {
	for name, id := range s.ids {
		text = strings.NewReplacer("{"+name+"}", id, "{"+name+" short}", id[:12]).Replace(text)
	}
	return strings.ReplaceAll(text, "{run}", s.run)
}

// send sends a request and returns its answer, of which nothing is noted.
func (s *side) send(method, path, body string) (*http.Response, []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://docker"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatalf("%s: %s %s: %v", s.name(), method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, answer
}

// create makes a container that a script calls name.
func (s *side) create(name, config string) {
	s.t.Helper()
	answer := s.call(http.MethodPost, "/containers/create?name={run}-"+name,
		strings.Replace(config, "{", `{"Image":"`+testenv.Image(s.t)+`","Labels":{"contract":"`+s.run+`"},`, 1))
	var made container.CreateResponse
	if err := json.Unmarshal(answer, &made); err != nil || made.ID == "" {
		s.t.Fatalf("%s: create %s: %s", s.name(), name, answer)
	}
	s.ids[name] = made.ID
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodDelete,
			"http://docker/containers/"+made.ID+"?force=1", http.NoBody)
		if err != nil {
			s.t.Error(err)
			return
		}
		if resp, err := s.http.Do(req); err != nil {
			s.t.Error(err)
		} else {
			_ = resp.Body.Close()
		}
	})
}

// is waits until a container is in a phase and notes all that an observation holds of it.
func (s *side) is(ref string, phase dockerwatch.Phase) {
	s.t.Helper()
	claim := ref
	if id, ok := s.ids[ref]; ok {
		claim = id
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		seen, err := s.engine.Observe(ctx, claim)
		if err != nil {
			s.t.Fatalf("%s: observe %s: %v", s.name(), ref, err)
		}
		if seen.Phase == phase {
			s.notef("%s: %s name=%s exit=%d oom=%t policy=%s rm=%t created=%t started=%t finished=%t order=%t label=%t",
				ref, phase, seen.Name, seen.ExitCode, seen.OOMKilled, seen.RestartPolicy, seen.AutoRemove,
				!seen.Created.IsZero(), !seen.StartedAt.IsZero(), !seen.FinishedAt.IsZero(),
				!seen.StartedAt.Before(seen.Created), seen.Labels["contract"] == s.run)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("%s: %s is %s, and not %s", s.name(), ref, seen.Phase, phase)
		}
	}
}

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
			m.Type, m.Action, a["exitCode"], a["signal"], a["name"], a["contract"] == s.run, a["image"] != "", a["execID"] != "", m.TimeNano > 0))
		last = slices.DeleteFunc(last, func(action string) bool { return action == string(m.Action) })
	}
	if len(last) > 0 {
		s.t.Fatalf("%s: no %v among the events of %s: %q", s.name(), last, name, heard)
	}
	slices.Sort(heard)
	s.notef("events of %s:\n%s", name, strings.Join(heard, "\n"))
}

// ready waits until a container's process has set itself up; the one of the test engine does nothing.
func (s *side) ready(name string) {
	s.t.Helper()
	if s.fake == nil {
		testenv.AwaitReady(s.t, s.ids[name])
	}
}

func (s *side) until(what string, holds func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("%s: waited in vain until %s", s.name(), what)
		}
	}
}
