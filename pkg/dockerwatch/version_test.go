package dockerwatch_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// An engine that speaks one version only, as the paths it was asked for show.
type versioned struct {
	mu      sync.Mutex
	version string           // what a ping says
	ping    http.HandlerFunc // instead of a ping; nil: the version
	asked   []string
}

func (v *versioned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	// Who is at the other end of a new connection is asked in the same version.
	v.asked = append(v.asked, strings.TrimSuffix(strings.TrimSuffix(r.URL.Path, "/containers/"+someID+"/json"), "/info"))
	version, ping := v.version, v.ping
	v.mu.Unlock()
	switch {
	case r.URL.Path == "/_ping" && ping != nil:
		ping(w, r)
	case r.URL.Path == "/_ping":
		w.Header().Set("Api-Version", version)
	case !strings.HasPrefix(r.URL.Path, "/v"+version+"/"):
		engineSays(400, "client version is too old or too new")(w, r)
	default:
		named(says(200, "application/json", inspected()))(w, r)
	}
}

func (v *versioned) set(version string, ping http.HandlerFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.version, v.ping = version, ping
}

// paths returns what it was asked for since the last call, each version once in a row: every connection that is dialled
// begins with a ping. The first call dials one to learn the version, and then the one that it uses.
func (v *versioned) paths() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	asked := slices.Compact(v.asked)
	v.asked = nil
	return asked
}

// A failed ping fails the call it was for and nothing else: no call is sent in a version that nobody agreed on.
func TestNegotiationThatFails(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		ping   http.HandlerFunc
		want   error // nil: a plain error
	}{
		{"the engine hangs", hangs, dockerwatch.ErrTimeout},
		{"it hangs up", drops, dockerwatch.ErrUnreachable},
		{"it is not well", engineSays(500, "starting"), dockerwatch.ErrUnreachable},
		{"a proxy answers", says(404, "text/html", "<html>"), dockerwatch.ErrUnreachable},
		{"a login page", says(200, "text/html", "<html>"), dockerwatch.ErrUnreachable},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			server := &versioned{ping: c.ping}
			engine := open(t, dockerwatch.Config{Host: serveSocket(t, server), Timeout: hung})
			_, err := engine.Observe(t.Context(), someID)
			isOnly(t, err, c.want)
			if diff := cmp.Diff([]string{"/_ping"}, server.paths()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}

			server.set("1.30", nil)
			if _, err := engine.Observe(t.Context(), someID); err != nil {
				t.Errorf("when the engine is back: %v", err)
			}
			if _, err := engine.Observe(t.Context(), someID); err != nil {
				t.Errorf("and again: %v", err)
			}
			if diff := cmp.Diff([]string{"/_ping", "/v1.30", "/_ping", "/v1.30"}, server.paths()); diff != "" {
				t.Errorf("asked when it was back (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNegotiation(t *testing.T) {
	t.Parallel()

	const newest = "1.51" // of the client library
	cases := []struct {
		reason string
		env    map[string]string
		speaks string
		want   []string
	}{
		{"an older engine's version is spoken", nil, "1.41", []string{"/_ping", "/v1.41", "/_ping", "/v1.41"}},
		{"a newer engine is spoken to in the newest known", nil, "1.60", []string{"/_ping", "/v" + newest}},
		{"DOCKER_API_VERSION is not discussed", map[string]string{"DOCKER_API_VERSION": "1.40"}, "1.40", []string{"/v1.40"}},
		{"with a v in front, too", map[string]string{"DOCKER_API_VERSION": "v1.40"}, "1.40", []string{"/v1.40"}},
		{"not even when it is wrong", map[string]string{"DOCKER_API_VERSION": "1.40"}, "1.41", []string{"/v1.40"}},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			server := &versioned{version: c.speaks}
			engine := open(t, dockerwatch.Config{Host: serveSocket(t, server), Timeout: patience, Getenv: environment(c.env)})
			for range 3 {
				if _, err := engine.Observe(t.Context(), someID); err != nil && c.want[len(c.want)-1] == "/v"+c.speaks {
					t.Error(err)
				}
				if c.speaks == "1.60" {
					break // this one refuses it, which begins a new negotiation
				}
			}
			if diff := cmp.Diff(c.want, server.paths()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// An engine can be upgraded, or downgraded, while the controller runs.
func TestNegotiationAgain(t *testing.T) {
	t.Parallel()

	server := &versioned{version: "1.41"}
	engine := open(t, dockerwatch.Config{Host: serveSocket(t, server), Timeout: patience})
	if _, err := engine.Observe(t.Context(), someID); err != nil {
		t.Fatal(err)
	}
	server.set("1.44", nil)
	_, err := engine.Observe(t.Context(), someID)
	isOnly(t, err, nil)
	if _, err := engine.Observe(t.Context(), someID); err != nil {
		t.Errorf("after the upgrade: %v", err)
	}
	want := []string{"/_ping", "/v1.41", "/_ping", "/v1.41", "/_ping", "/v1.44"}
	if diff := cmp.Diff(want, server.paths()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// Sixteen workers keep their sixteen connections.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()

	const workers, rounds = 16, 20
	var dialled, asked atomic.Int32
	var together sync.WaitGroup
	server := httptest.NewUnstartedServer(introduced(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= workers {
			together.Done()
			together.Wait() // nobody is answered before all have asked
		}
		says(200, "application/json", inspected())(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dialled.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	engine := open(t, dockerwatch.Config{Host: "tcp://" + server.Listener.Addr().String(), Timeout: patience})

	for range rounds {
		together.Add(workers)
		asked.Store(0)
		var done sync.WaitGroup
		for range workers {
			done.Go(func() {
				if _, err := engine.Observe(t.Context(), someID); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
	}
	// A connection is idle a moment after its answer was read, so a few are dialled for nothing; with the two that a
	// transport keeps by itself there would be 14 new ones in each round.
	if got := dialled.Load(); got > 2*workers {
		t.Errorf("%d connections for %d workers", got, workers)
	}
}
