package dockerwatch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// isOnly fails the test unless err is the wanted one of the package's errors and no other. A nil want is a plain
// error.
func isOnly(t *testing.T, err, want error) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, sentinel := range []error{
		dockerwatch.ErrUnreachable, dockerwatch.ErrTimeout, dockerwatch.ErrInvalidReference, dockerwatch.ErrRefused,
		dockerwatch.ErrNotThere, context.Canceled,
	} {
		if errors.Is(err, sentinel) != (sentinel == want) { //nolint:errorlint // the very same sentinel is meant
			t.Errorf("error %q: is %q: %v", err, sentinel, errors.Is(err, sentinel))
		}
	}
}

// A failed look is never taken for a container that is gone.
func TestObserveIsNeverMistaken(t *testing.T) {
	t.Parallel()

	const html = "<html><body>no such page</body></html>"
	cases := []struct {
		reason string
		serve  http.HandlerFunc
		want   error // nil: a plain error
	}{
		{"a proxy's 404 page", says(404, "text/html", html), dockerwatch.ErrUnreachable},
		{"a proxy's 404 as JSON", says(404, "application/json", `{"error":"not found"}`), dockerwatch.ErrUnreachable},
		{"an engine's 404 for a route", engineSays(404, "page not found"), dockerwatch.ErrUnreachable},
		{"a 404 about another container", engineSays(404, "No such container: other"), dockerwatch.ErrUnreachable},
		{
			"a 404 about something that only begins like it",
			engineSays(404, "No such container: web2"), dockerwatch.ErrUnreachable,
		},
		{
			"the right words, but not from an engine",
			says(404, "text/plain", "No such container: web"), dockerwatch.ErrUnreachable,
		},
		{"the right words with another status", engineSays(500, "No such container: web"), nil},
		{"a 404 without a body", says(404, "application/json", ""), dockerwatch.ErrUnreachable},
		{"a 404 that is cut off", cuts(404, `{"message":"No such container: web"}`), dockerwatch.ErrUnreachable},
		{"an ambiguous prefix, older engines", engineSays(500, "Multiple IDs found with provided prefix: web"), nil},
		{"an ambiguous prefix, newer engines", engineSays(400, "multiple IDs found with provided prefix: web"), nil},
		{"a gateway's 503 page", says(503, "text/html", html), dockerwatch.ErrUnreachable},
		{"a redirect", http.RedirectHandler("/login", http.StatusMovedPermanently).ServeHTTP, dockerwatch.ErrUnreachable},
		{"no content", says(204, "application/json", ""), dockerwatch.ErrUnreachable},
		{"a login page with status 200", says(200, "text/html", html), dockerwatch.ErrUnreachable},
		{"an empty body", says(200, "application/json", ""), dockerwatch.ErrUnreachable},
		{"a body that is cut off", cuts(200, inspected()[:100]), dockerwatch.ErrUnreachable},
		{"no answer at all", drops, dockerwatch.ErrUnreachable},
		{"an empty object", says(200, "application/json", `{}`), nil},
		{"null", says(200, "application/json", `null`), nil},
		{"a list", says(200, "application/json", `[]`), dockerwatch.ErrUnreachable},
		{"a short id", says(200, "application/json", inspected(someID, someID[:12])), nil},
		{"no state", says(200, "application/json", inspected(`"State"`, `"Stat"`)), nil},
		{
			"no host configuration: the restart policy is unknown",
			says(200, "application/json", inspected("HostConfig", "H")), nil,
		},
		{"no configuration: the owner is unknown", says(200, "application/json", inspected(`"Config"`, `"C"`)), nil},
		{"a state from the future", says(200, "application/json", inspected("running", "hibernating")), nil},
		{"a time that is none", says(200, "application/json", inspected("2026-01-02T03:04:06Z", "yesterday")), nil},
		{"another container", says(200, "application/json", inspected("/web", "/other")), nil},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			seen, err := fakeEngine(t, c.serve).Observe(t.Context(), "web")
			isOnly(t, err, c.want)
			if diff := cmp.Diff(dockerwatch.Observation{}, seen); diff != "" {
				t.Errorf("an observation beside an error (-want +got):\n%s", diff)
			}
			if !strings.Contains(err.Error(), "inspect container web: ") || strings.Contains(err.Error(), "<html>") {
				t.Errorf("the error does not name the object, or quotes a page: %v", err)
			}
		})
	}
}

func TestCallsThatHang(t *testing.T) {
	t.Parallel()

	calls := map[string]func(context.Context, *dockerwatch.Engine) error{
		"Observe": func(ctx context.Context, e *dockerwatch.Engine) error { _, err := e.Observe(ctx, "web"); return err },
		"a short hex name": func(ctx context.Context, e *dockerwatch.Engine) error {
			_, err := e.Observe(ctx, "abc")
			return err
		},
		"List": func(ctx context.Context, e *dockerwatch.Engine) error { _, err := e.List(ctx); return err },
		"Info": func(ctx context.Context, e *dockerwatch.Engine) error { _, err := e.Info(ctx); return err },
		"RecentEvents": func(ctx context.Context, e *dockerwatch.Engine) error {
			_, err := e.RecentEvents(ctx, time.Time{})
			return err
		},
		"Remove": func(ctx context.Context, e *dockerwatch.Engine) error {
			return e.Remove(ctx, someID, dockerwatch.RemoveOptions{})
		},
		"RemoveDead": func(ctx context.Context, e *dockerwatch.Engine) error {
			return e.RemoveDead(ctx, someID, dockerwatch.RemoveOptions{})
		},
	}
	hangings := map[string]http.HandlerFunc{
		"before it answers":          introduced(hangs),
		"in the middle of an answer": introduced(begins(`{"Id":`)),
		"when it is asked who it is": pings("1.41", begins(`{"ID":`)),
		"at the ping":                hangs,
	}
	for call, do := range calls {
		for where, serve := range hangings {
			if call == "Remove" && where == "in the middle of an answer" {
				continue // an answer of 200 with a body is no answer to a removal at all
			}
			if call == "Info" && strings.Contains(where, "answer") {
				continue // this engine says who it is
			}
			t.Run(call+" with an engine that hangs "+where, func(t *testing.T) {
				t.Parallel()
				engine := open(t, dockerwatch.Config{Host: serveSocket(t, serve), Timeout: hung})
				begun := time.Now()
				isOnly(t, do(t.Context(), engine), dockerwatch.ErrTimeout)
				if took := time.Since(begun); took < hung || took > patience {
					t.Errorf("it took %s, want about %s", took, hung)
				}
			})
		}
		t.Run(call+" that the caller gives up", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			gives := func(_ http.ResponseWriter, r *http.Request) {
				cancel()
				<-r.Context().Done()
			}
			serve := introduced(gives)
			if strings.Contains(call, "Info") || call == "RecentEvents" {
				serve = pings("1.41", gives)
			}
			engine := open(t, dockerwatch.Config{Host: serveSocket(t, serve), Timeout: patience})
			isOnly(t, do(ctx, engine), context.Canceled)
		})
	}
}

// Each way of having no connection says what to do.
func TestNoConnection(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		host   func(t *testing.T) string
		says   string
	}{
		{"no socket", func(*testing.T) string { return "unix:///nonexistent/docker.sock" }, "no such socket"},
		{"nobody listens", func(t *testing.T) string {
			t.Helper()
			host := serveTCP(t, hangs)
			host.Close()
			return "tcp://" + host.Listener.Addr().String()
		}, "connection refused"},
		{
			"it hangs up",
			func(t *testing.T) string { t.Helper(); return serveSocket(t, http.HandlerFunc(drops)) }, "closed the connection",
		},
		{"not an engine", func(t *testing.T) string {
			t.Helper()
			return serveSocket(t, says(200, "text/plain", "OK"))
		}, "no API version"},
		{"not an engine's version", func(t *testing.T) string {
			t.Helper()
			return serveSocket(t, pings("newest", hangs))
		}, "no API version"},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			host := c.host(t)
			_, err := open(t, dockerwatch.Config{Host: host}).Observe(t.Context(), "web")
			isOnly(t, err, dockerwatch.ErrUnreachable)
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), host) {
				t.Errorf("the error is %q; want the host and %q", err, c.says)
			}
		})
	}
}

func TestBadAnswers(t *testing.T) {
	t.Parallel()

	list := func(ctx context.Context, e *dockerwatch.Engine) error { _, err := e.List(ctx); return err }
	info := func(ctx context.Context, e *dockerwatch.Engine) error { _, err := e.Info(ctx); return err }
	short := func(ctx context.Context, e *dockerwatch.Engine) error { _, err := e.Observe(ctx, "abc"); return err }
	cases := []struct {
		reason string
		do     func(context.Context, *dockerwatch.Engine) error
		body   string
		want   error
	}{
		{"null is no empty list: everything would look gone", list, `null`, dockerwatch.ErrUnreachable},
		{"a list of something else", list, `[{"Id":"7"}]`, dockerwatch.ErrUnreachable},
		{"an object is no list", list, `{}`, dockerwatch.ErrUnreachable},
		{"a list that is cut off", list, `[{"Id":"` + someID + `"},`, dockerwatch.ErrUnreachable},
		{
			"an engine without an identity",
			info, `{"DockerRootDir":"/d","SystemTime":"2026-01-02T03:04:05Z"}`, dockerwatch.ErrUnreachable,
		},
		{
			"an engine without a root directory",
			info, `{"ID":"x","SystemTime":"2026-01-02T03:04:05Z"}`, dockerwatch.ErrUnreachable,
		},
		{"an engine without a clock", info, `{"ID":"x","DockerRootDir":"/d"}`, dockerwatch.ErrUnreachable},
		{
			"an engine with a broken clock",
			info, `{"ID":"x","DockerRootDir":"/d","SystemTime":"noon"}`, dockerwatch.ErrUnreachable,
		},
		{"the name filter is a regular expression: the name must be equal all the same", short,
			`[{"Id":"` + someID + `","Names":["/abcd","/x/abc"]}]`, dockerwatch.ErrInvalidReference},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			serve := says(200, "application/json", c.body)
			asked := introduced(serve)
			if strings.HasPrefix(c.reason, "an engine with") {
				asked = pings("1.41", serve)
			}
			isOnly(t, c.do(t.Context(), open(t, dockerwatch.Config{Host: serveSocket(t, asked), Timeout: patience})), c.want)
		})
	}
}

// A short name is resolved first; what happens to it between the two looks is no observation of the name.
func TestShortNameThatMoves(t *testing.T) {
	t.Parallel()

	for reason, serve := range map[string]http.HandlerFunc{
		"renamed meanwhile": says(200, "application/json", inspected("/web", "/abcd")),
		"removed meanwhile": engineSays(404, "No such container: "+someID),
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			engine := fakeEngine(t, named(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/containers/json") {
					serve := says(200, "application/json", `[{"Id":"`+someID+`","Names":["/abc"]}]`)
					serve(w, r)
					return
				}
				serve(w, r)
			}))
			seen, err := engine.Observe(t.Context(), "abc")
			isOnly(t, err, nil)
			if diff := cmp.Diff(dockerwatch.Observation{}, seen); diff != "" {
				t.Errorf("an observation beside an error (-want +got):\n%s", diff)
			}
		})
	}
}

// A page of any length is neither read to its end nor quoted.
func TestErrorsAreShort(t *testing.T) {
	t.Parallel()

	engine := fakeEngine(t, engineSays(500, strings.Repeat("long\n", 1000)))
	_, err := engine.Observe(t.Context(), "web")
	isOnly(t, err, nil)
	if len(err.Error()) > 500 || strings.Contains(err.Error(), "\n") {
		t.Errorf("an error of %d characters: %v", len(err.Error()), err)
	}
	endless := fakeEngine(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		for {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
	})
	_, err = endless.Observe(t.Context(), "web")
	isOnly(t, err, dockerwatch.ErrUnreachable)
}
