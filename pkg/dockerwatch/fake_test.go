package dockerwatch_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

const (
	// patience bounds every wait for something that must happen: about a second on an idle machine.
	patience = 60 * time.Second
	// hung is how long a test lets a call wait for an engine that never answers. One that does must make it on a busy
	// machine.
	hung = time.Second

	someID  = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	otherID = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

// noEnvironment keeps the machine's own DOCKER_ variables out of a test.
func noEnvironment(string) string { return "" }

// environment is a Getenv of these variables.
func environment(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// open makes an engine and closes it when the test ends.
func open(t *testing.T, cfg dockerwatch.Config) *dockerwatch.Engine {
	t.Helper()
	if cfg.Getenv == nil {
		cfg.Getenv = noEnvironment
	}
	engine, err := dockerwatch.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return engine
}

// realEngine is the engine that all tests share.
func realEngine(t *testing.T) *dockerwatch.Engine {
	t.Helper()
	return open(t, dockerwatch.Config{Host: testenv.DockerHost(t), Timeout: patience})
}

// fakeEngine is an engine behind a Unix socket that answers, as the real one does, which version of the API it speaks
// and who it is, and everything else by handler. It shows what the real one cannot be made to do on command;
// contract_test.go compares the two.
func fakeEngine(t *testing.T, handler http.HandlerFunc) *dockerwatch.Engine {
	t.Helper()
	return open(t, dockerwatch.Config{Host: serveSocket(t, introduced(handler)), Timeout: patience})
}

// hangingEngine is a fakeEngine that is waited for only shortly.
func hangingEngine(t *testing.T, handler http.HandlerFunc) *dockerwatch.Engine {
	t.Helper()
	return open(t, dockerwatch.Config{Host: serveSocket(t, introduced(handler)), Timeout: hung})
}

// introduced answers what a new connection is asked, which version of the API it speaks and who it is, and passes on
// the rest.
func introduced(next http.HandlerFunc) http.HandlerFunc { return pings("1.41", named(next)) }

// pings answers pings with an API version and passes on the rest.
func pings(version string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_ping" {
			w.Header().Set("Api-Version", version)
			return
		}
		next(w, r)
	}
}

// fakeIdentity is who a named fake says it is.
const fakeIdentity = "FAKE@/fake"

// named answers who the engine is and passes on the rest.
func named(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/info") {
			says(http.StatusOK, "application/json",
				`{"ID":"FAKE","DockerRootDir":"/fake","SystemTime":"2026-01-02T03:04:05Z"}`)(w, r)
			return
		}
		next(w, r)
	}
}

// serveSocket serves handler on a Unix socket and returns it as a Docker host. Requests that hang are ended with the
// test.
func serveSocket(t *testing.T, handler http.Handler) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dw-") //nolint:usetesting // the path of t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s.sock")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections() // ends the contexts of hanging requests
		server.Close()
	})
	return "unix://" + socket
}

// says answers with a status, a media type and a body.
func says(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// engineSays answers an error in the engine's own form.
func engineSays(status int, message string) http.HandlerFunc {
	return says(status, "application/json", fmt.Sprintf("{\"message\":%q}\n", message))
}

// hangs never answers.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// begins answers with the beginning of a body and then hangs.
func begins(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// cuts answers with a status and the beginning of a longer body, and closes the connection.
func cuts(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "5000")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// drops closes the connection without an answer.
func drops(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// inspected is the body of an inspect, with changes as old, new pairs.
func inspected(changes ...string) string {
	const whole = `{"Id":"` + someID + `","Name":"/web","Created":"2026-01-02T03:04:05.678Z","RestartCount":2,` +
		`"State":{"Status":"running","OOMKilled":false,"ExitCode":0,"Error":"","StartedAt":"2026-01-02T03:04:06Z",` +
		`"FinishedAt":"0001-01-01T00:00:00Z"},"HostConfig":{"AutoRemove":true,"RestartPolicy":{"Name":""}},` +
		`"Config":{"Labels":{"a":"b"}}}`
	return strings.NewReplacer(changes...).Replace(whole)
}

// eventually looks until look is satisfied, and fails the test when that does not happen.
func eventually(t *testing.T, what string, look func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !look(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// becomes waits until the container is in a phase and returns what was seen.
func becomes(t *testing.T, engine *dockerwatch.Engine, claim string, phase dockerwatch.Phase) dockerwatch.Observation {
	t.Helper()
	var seen dockerwatch.Observation
	eventually(t, fmt.Sprintf("container %s is %s", claim, phase), func(ctx context.Context) bool {
		var err error
		if seen, err = engine.Observe(ctx, claim); err != nil {
			t.Fatalf("Observe(%s): %v", claim, err)
		}
		return seen.Phase == phase
	})
	return seen
}
