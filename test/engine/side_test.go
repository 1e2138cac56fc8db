package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/engine"
	"github.com/session-controller/session-controller/test/testenv"
)

// patience is for what is to happen soon; a machine that is busy with other tests starts a container in seconds.
const patience = time.Minute

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
	// told is what the engine tells; nil where that is not recorded.
	told *recording
	// aliases are more of what is only this side's, and what stands for it.
	aliases map[string]string
}

func newSide(t *testing.T, host string) *side {
	t.Helper()
	watch, err := dockerwatch.New(dockerwatch.Config{
		Host: host, Timeout: patience, Getenv: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watch.Close() })
	return &side{
		t: t, http: socketClient(t, host), engine: watch, run: testenv.Name(t, "contract-"), ids: map[string]string{},
	}
}

// socketClient sends requests to a Unix socket and follows no redirect.
func socketClient(t *testing.T, host string) *http.Client {
	t.Helper()
	socket := strings.TrimPrefix(host, "unix://")
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// both runs a script on the two engines and compares what was seen.
func both(t *testing.T, script func(s *side)) {
	t.Helper()
	genuine := newSide(t, testenv.DockerHost(t))
	genuine.record()
	script(genuine)
	fake := engine.New("contract")
	ours := newSide(t, listen(t, fake))
	ours.fake = fake
	ours.record()
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
	status, media, answer := s.send(method, path, body)
	said := ""
	if status >= http.StatusBadRequest {
		said = strings.TrimSpace(string(answer))
	}
	s.notef("%s %s: %d %s %s", method, path, status, media, said)
	return answer
}

// filled is a text with this side's own in the place of {name}.
func (s *side) filled(text string) string {
	for name, id := range s.ids {
		text = strings.NewReplacer("{"+name+"}", id, "{"+name+" short}", id[:12]).Replace(text)
	}
	return strings.ReplaceAll(text, "{run}", s.run)
}

// send sends a request and returns the status, media type and body of its answer, of which nothing is noted.
func (s *side) send(method, path, body string) (status int, media string, answer []byte) {
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
	if answer, err = io.ReadAll(resp.Body); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), answer
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
	s.noteOf(ref, s.await(ref, phase))
}

// await waits until a container is in a phase.
func (s *side) await(ref string, phase dockerwatch.Phase) (seen dockerwatch.Observation) {
	s.t.Helper()
	defer func() {
		if s.t.Failed() {
			s.t.Logf("%s: %s was %s at last", s.name(), ref, seen.Phase)
		}
	}()
	s.until(fmt.Sprintf("%s is %s", ref, phase), func() bool {
		seen = s.look(ref)
		return seen.Phase == phase
	})
	return seen
}

// noteOf notes all that an observation of a container holds.
func (s *side) noteOf(ref string, seen dockerwatch.Observation) {
	s.notef("%s: %s name=%s exit=%d oom=%t policy=%s rm=%t created=%t started=%t finished=%t order=%t label=%t",
		ref, seen.Phase, seen.Name, seen.ExitCode, seen.OOMKilled, seen.RestartPolicy, seen.AutoRemove,
		!seen.Created.IsZero(), !seen.StartedAt.IsZero(), !seen.FinishedAt.IsZero(),
		!seen.StartedAt.Before(seen.Created), seen.Labels["contract"] == s.run)
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
