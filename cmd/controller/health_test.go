package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// probed is a controller whose answers a test chooses.
type probed struct {
	alive  error
	checks []controllers.Check
	status controllers.Status
}

func (p probed) Alive() error                { return p.alive }
func (p probed) Checks() []controllers.Check { return p.checks }
func (p probed) Status() controllers.Status {
	p.status.Checks = p.checks
	return p.status
}

func get(t *testing.T, p probed, path string) (code int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	healthHandler(p, sides{Host: "unix:///engine", Database: "PostgreSQL"}).ServeHTTP(w,
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestProbes(t *testing.T) {
	t.Parallel()
	away := errors.New("connect to postgres://user:secret@db/app: refused")
	good := []controllers.Check{{Name: "engine-events"}, {Name: "sweep"}}
	bad := []controllers.Check{{Name: "engine-events"}, {Name: "sweep", Err: away}}
	tests := []struct {
		reason     string
		controller probed
		path       string
		code       int
		body       string
	}{
		{"it works", probed{checks: good}, "/readyz", 200, "ok\n"},
		{"it works, in detail", probed{checks: good}, "/readyz?verbose", 200, "[+] engine-events\n[+] sweep\nok\n"},
		{
			"what is missing is said in any case, without a password", probed{checks: bad}, "/readyz", 503,
			"[-] sweep: connect to postgres://…@db/app: refused\nnot ready\n",
		},
		{
			"and beside it what is not", probed{checks: bad}, "/readyz?verbose", 503,
			"[+] engine-events\n[-] sweep: connect to postgres://…@db/app: refused\nnot ready\n",
		},
		{"a restart would not bring a database back", probed{checks: bad}, "/healthz", 200, "ok\n"},
		{"it would end what is stuck", probed{alive: errors.New("stuck"), checks: good}, "/healthz", 500, "stuck\n"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			code, body := get(t, tt.controller, tt.path)
			if code != tt.code || body != tt.body {
				t.Errorf("answers %d %q, want %d %q", code, body, tt.code, tt.body)
			}
		})
	}
}

func TestStatusIsToldToProgramsAndPeople(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)
	exited := make(map[controllers.Reason]int)
	exited[controllers.ContainerExited] = 2
	p := probed{
		checks: []controllers.Check{{Name: "engine-events"}, {Name: "sweep", Err: errors.New("the last sweep failed")}},
		status: controllers.Status{
			Started: now.Add(-time.Hour), Leads: true, Engine: "ID@/var/lib/docker", LastEvent: now.Add(-3 * time.Second),
			Pause: sessiondb.Pause{Since: now, Until: time.Now().Add(time.Hour), By: "root@\x1b[31mhost", Reason: "moving"},
			Feed:  &sessiondb.ChangeState{Source: sessiondb.SourcePoll, Connected: true, Hint: "migrate"},
			Swept: now.Add(-20 * time.Second),
			Sweep: controllers.Sweep{Rows: 4, Statuses: map[string]int{"IDLE": 1, "ACTIVE": 3}, Healthy: 2, Adrift: 2,
				Took: 31 * time.Millisecond, Containers: 5, Owned: 4, Unclaimed: 1},
			Open:     exited,
			Looping:  []controllers.SessionKey{"s1", "s\x1b2"},
			Sessions: 1, Stopping: 2, BreakerSessions: true,
		},
	}
	_, body := get(t, p, "/status")
	var s statusJSON
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatal(err)
	}
	if s.Ready || s.Paused == nil || s.Drift["ContainerExited"] != 2 || s.Sweep == nil ||
		s.Sweep.Statuses["ACTIVE"] != 3 || s.Database.Hint != "migrate" {
		t.Errorf("programs are told\n%s", body)
	}
	s.Paused.Until = now.Add(time.Hour)
	want := `controller  dev, up 1h0m0s
not ready   sweep: the last sweep failed
paused      until 2026-11-27T11:00:00Z, by root@?[31mhost: moving
engine      unix:///engine, serving ID@/var/lib/docker, last event 3s ago
database    PostgreSQL, changes by poll
last sweep  20s ago, took 31ms
rows        4 claim something (ACTIVE 3, IDLE 1): 2 healthy, 2 adrift, 0 of unknown status, 0 reported
containers  5, 4 owned, 1 of these unclaimed
adrift now  ContainerExited 2
looping     s1, s?2
queue       1 sessions, 0 containers; 2 being stopped
breaker     holds sessions whose containers are gone
`
	if diff := cmp.Diff(want, statusText(s, now, paint{})); diff != "" {
		t.Errorf("people are told (-want +got):\n%s", diff)
	}
	if text := statusText(s, now, paint{on: true}); !strings.Contains(text, "\x1b[31mholds sessions") {
		t.Errorf("at a terminal what is wrong is not red:\n%q", text)
	}
}

// A health check restarts what it finds ill: it must not ask whether the engine and the database are there.
func TestAHealthCheckAsksOnlyWhetherTheProcessIsStuck(t *testing.T) {
	t.Parallel()
	away := []controllers.Check{{Name: "sweep", Err: errors.New("refused")}}
	for _, tt := range []struct {
		what string
		p    probed
		want string // of the error; empty: none
	}{
		{"both sides are away", probed{checks: away}, ""},
		{"it is stuck", probed{alive: errors.New("the process is stuck in a \x1bsweep")}, "stuck in a ?sweep"},
	} {
		server := httptest.NewServer(healthHandler(tt.p, sides{}))
		t.Cleanup(server.Close)
		code, _, stderr := command(t, "status", "--alive", "--address", strings.TrimPrefix(server.URL, "http://"))
		if (code == 0) != (tt.want == "") || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit code %d: %s", tt.what, code, stderr)
		}
	}
	if code, _, stderr := command(t, "status", "--alive", "--address", "127.0.0.1:1"); code != 1 {
		t.Errorf("where nobody answers it exits %d: %s", code, stderr)
	}
}

func TestColoursAreForPeopleAtATerminal(t *testing.T) {
	t.Parallel()
	if p := paintFor(&strings.Builder{}, func(string) string { return "" }); p.on {
		t.Error("a pipe is coloured")
	}
	rows := []planRow{planColumns(), {"s1"}}
	var b strings.Builder
	writeRows(&b, rows[0], rows[1:], 0, paint{on: true}.lines([]string{bold, red}))
	lines := strings.Split(b.String(), "\n")
	if !strings.HasPrefix(lines[0], "\x1b[1mSESSION") || !strings.HasPrefix(lines[1], "\x1b[31ms1") ||
		!strings.HasSuffix(lines[1], "\x1b[0m") {
		t.Errorf("the lines are %q", lines)
	}
}

// Nothing that listens can change anything.
func TestProbesOnlyAnswer(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/healthz", "/readyz", "/status", "/pause", "/"} {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			w := httptest.NewRecorder()
			healthHandler(probed{}, sides{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
			if w.Code != http.StatusMethodNotAllowed && w.Code != http.StatusNotFound {
				t.Errorf("%s %s is answered with %d", method, path, w.Code)
			}
		}
	}
}
