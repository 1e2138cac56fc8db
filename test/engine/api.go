package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/container"
)

var versioned = regexp.MustCompile(`^/v([0-9]+)\.([0-9]+)(/.*)$`)

// ServeHTTP is the API, with or without a version before the route.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	standIn := e.standIn
	e.mu.Unlock()
	if standIn != nil {
		standIn.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Api-Version", Version)
	if m := versioned.FindStringSubmatch(r.URL.Path); m != nil {
		if minor, _ := strconv.Atoi(m[2]); m[1] != "1" || minor > 41 {
			fail(w, http.StatusBadRequest, fmt.Sprintf(
				"client version %s.%s is too new. Maximum supported API version is %s", m[1], m[2], Version))
			return
		}
		u := *r.URL
		u.Path, u.RawPath = m[3], ""
		r = r.WithContext(r.Context())
		r.URL = &u
	}
	if strings.Contains(r.URL.Path, "//") { // an empty reference; a real engine sends it elsewhere
		w.Header().Set("Location", strings.ReplaceAll(r.URL.Path, "//", "/"))
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	e.handler.ServeHTTP(w, r)
}

// routes is the part of the API that there is.
func (e *Engine) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(route string, op Op, h http.HandlerFunc) { mux.HandleFunc(route, e.troubled(op, h)) }
	handle("GET /_ping", OpPing, func(http.ResponseWriter, *http.Request) {})
	handle("GET /info", OpInfo, e.infoCalled)
	handle("GET /events", OpEvents, e.eventsCalled)
	handle("GET /containers/json", OpList, e.listCalled)
	handle("GET /containers/{ref}/json", OpInspect, e.inspectCalled)
	handle("GET /containers/{ref}/logs", OpLogs, e.logsCalled)
	handle("POST /containers/create", OpCreate, e.createCalled)
	handle("POST /containers/{ref}/stop", OpStop, e.stopCalled)
	handle("DELETE /containers/{ref}", OpRemove, e.removeCalled)
	handle("POST /containers/{ref}/start", OpStart, does(func(r *http.Request) error { return e.Start(ref(r)) }))
	handle("POST /containers/{ref}/kill", OpKill, e.killCalled)
	handle("POST /containers/{ref}/pause", OpOther, does(func(r *http.Request) error { return e.Pause(ref(r)) }))
	handle("POST /containers/{ref}/unpause", OpOther, does(func(r *http.Request) error { return e.Unpause(ref(r)) }))
	handle("POST /containers/{ref}/rename", OpOther, does(func(r *http.Request) error {
		return e.Rename(ref(r), r.FormValue("name"))
	}))
	handle("POST /containers/{ref}/restart", OpOther, does(func(r *http.Request) error {
		return e.Restart(ref(r), seconds(r.FormValue("t")))
	}))
	handle("/", OpOther, func(w http.ResponseWriter, _ *http.Request) { fail(w, http.StatusNotFound, "page not found") })
	return mux
}

func ref(r *http.Request) string { return r.PathValue("ref") }

// does answers 204, or why it could not be done.
func does(do func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := do(r); err != nil {
			refuse(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (e *Engine) infoCalled(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{
		"ID": e.id, "DockerRootDir": e.root, "Name": "test-engine", "ServerVersion": "20.10.24",
		"SystemTime": e.now().Format(time.RFC3339Nano), "Containers": len(e.containers),
	})
}

func (e *Engine) inspectCalled(w http.ResponseWriter, r *http.Request) {
	if !e.hangs(r.Context(), ref(r)) {
		return
	}
	e.mu.Lock()
	c, err := e.find(ref(r))
	var body any
	if err == nil {
		body = inspected(c)
	}
	e.mu.Unlock()
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, body)
}

func (e *Engine) listCalled(w http.ResponseWriter, r *http.Request) {
	only, err := parseFilters(r.FormValue("filters"))
	if err != nil {
		refuse(w, err)
		return
	}
	all := isSet(r, "all")
	e.mu.Lock()
	list := []api.Summary{}
	for _, c := range slices.Backward(e.order) { // the newest first
		if (all || c.Status.Alive()) && only.container(c) {
			list = append(list, summarised(c))
		}
	}
	e.mu.Unlock()
	answer(w, http.StatusOK, list)
}

func (e *Engine) createCalled(w http.ResponseWriter, r *http.Request) {
	var body api.CreateRequest
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Config == nil {
		fail(w, http.StatusBadRequest, "invalid JSON")
		return
	}
	var lives time.Duration
	var code int
	host := api.HostConfig{}
	if body.HostConfig != nil {
		host = *body.HostConfig
	}
	switch mode(body.Cmd) {
	case "exit", "say":
		lives = dying
		code, _ = strconv.Atoi(body.Cmd[2])
	}
	id, err := e.Create(Spec{
		Name: r.FormValue("name"), Labels: body.Labels, Cmd: body.Cmd, Env: body.Env,
		RestartPolicy: string(host.RestartPolicy.Name), AutoRemove: host.AutoRemove,
		Stubborn: mode(body.Cmd) == "ignore-term", Lives: lives, ExitsWith: code,
	})
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusCreated, api.CreateResponse{ID: id})
}

// mode is what the workload of the tests' image does: "/workload exit 3".
func mode(cmd []string) string {
	if len(cmd) < 2 || cmd[0] != "/workload" {
		return ""
	}
	return cmd[1]
}

// killCalled waits for the end of a process only where it was KILLed, as a real engine does.
func (e *Engine) killCalled(w http.ResponseWriter, r *http.Request) {
	signal, known := signalNamed(r.FormValue("signal"))
	if !known {
		fail(w, http.StatusBadRequest, "Invalid signal: "+r.FormValue("signal"))
		return
	}
	ends, err := e.kill(ref(r), signal)
	if err != nil {
		refuse(w, err)
		return
	}
	if ends != nil && signal == "KILL" {
		wait(context.WithoutCancel(r.Context()), dying) // the process ends whoever waits for it
		ends()
	} else if ends != nil {
		time.AfterFunc(dying, ends)
	}
	w.WriteHeader(http.StatusNoContent)
}

// stopCalled goes on when the caller gives up, as a real engine does.
func (e *Engine) stopCalled(w http.ResponseWriter, r *http.Request) {
	if !e.hangs(r.Context(), ref(r)) {
		return
	}
	done := make(chan struct{})
	var stopped bool
	var err error
	go func() { //nolint:contextcheck // it goes on when the caller gives up
		defer close(done)
		stopped, err = e.stopAsked(ref(r), seconds(r.FormValue("t")))
	}()
	select {
	case <-r.Context().Done():
		return
	case <-done:
	}
	switch {
	case err != nil:
		refuse(w, err)
	case !stopped:
		w.WriteHeader(http.StatusNotModified)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (e *Engine) removeCalled(w http.ResponseWriter, r *http.Request) {
	if !e.hangs(r.Context(), ref(r)) {
		return
	}
	//nolint:contextcheck // it goes on when the caller gives up
	does(func(r *http.Request) error { return e.removeAsked(ref(r), isSet(r, "force"), isSet(r, "v")) })(w, r)
}
