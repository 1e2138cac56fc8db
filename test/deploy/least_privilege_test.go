package deploy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestOnlyWhatIsListedIsCalled records every call of the main job, and holds it to the table in SECURITY.md: nothing
// else is called, and nothing is listed that is not.
func TestOnlyWhatIsListedIsCalled(t *testing.T) {
	t.Parallel()
	recorder, host := recorded(t)
	job := newMainJob(t)
	c := job.newController(host)
	c.does([]int{2}, "plan")
	log, end := c.runs("--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	until(t, "it has swept", func() bool { return strings.Contains(log.String(), `"msg":"Swept"`) })
	job.crash()
	job.done(log)
	end()
	c.does([]int{0}, "sweep")
	c.does([]int{0}, "trust-engine")

	listed := listedCalls(t)
	used := make([]bool, len(listed))
	for _, call := range recorder.all() {
		i := slices.IndexFunc(listed, func(l listedCall) bool { return l.matches(call) })
		if i < 0 {
			t.Errorf("%s is called and not listed", call)
			continue
		}
		used[i] = true
	}
	for i, l := range listed {
		if !used[i] {
			t.Errorf("%s is listed and never called: an engine that refuses it would do", l.text)
		}
	}
}

// listedCall is one call of the table in SECURITY.md.
type listedCall struct {
	text    string
	pattern *regexp.Regexp
}

func (l listedCall) matches(call string) bool { return l.pattern.MatchString(call) }

func listedCalls(t *testing.T) []listedCall {
	t.Helper()
	var listed []listedCall
	rows := regexp.MustCompile("(?m)^\\| ([A-Z, ]+) \\| `(/[^`]*)` \\|").FindAllStringSubmatch(read(t, "SECURITY.md"), -1)
	for _, row := range rows {
		path := regexp.QuoteMeta(row[2])
		path = strings.ReplaceAll(path, regexp.QuoteMeta("{claim}"), `[a-zA-Z0-9][a-zA-Z0-9_.-]*`)
		path = strings.ReplaceAll(path, regexp.QuoteMeta("{id}"), `[0-9a-f]{64}`)
		if row[2] != "/_ping" {
			path = `/v[0-9]+\.[0-9]+` + path
		}
		for method := range strings.SplitSeq(row[1], ", ") {
			listed = append(listed, listedCall{method + " " + row[2], regexp.MustCompile("^" + method + " " + path + "$")})
		}
	}
	if len(listed) < 8 {
		t.Fatalf("SECURITY.md lists %d calls", len(listed))
	}
	return listed
}

// recorder is a proxy in front of the engine that writes down what is called.
type recorder struct {
	mu    sync.Mutex
	calls map[string]bool
}

func (r *recorder) note(request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	call := request.Method + " " + request.URL.Path
	if force := request.URL.Query().Get("force"); force != "" {
		call += "?force=" + force
	}
	r.calls[call] = true
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]string, 0, len(r.calls))
	for call := range r.calls {
		all = append(all, call)
	}
	slices.Sort(all)
	return all
}

// recorded returns a recorder in front of the engine that all tests share, and its address.
func recorded(t *testing.T) (*recorder, string) {
	t.Helper()
	r := &recorder{calls: map[string]bool{}}
	socket := socketOf(t, testenv.DockerHost(t))
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "engine"})
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	path := filepath.Join(t.TempDir(), "r.sock")
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			r.note(request)
			proxy.ServeHTTP(w, request)
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the recorder ended with %v", err)
		}
	})
	return r, "unix://" + path
}
