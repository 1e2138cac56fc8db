package dockerwatch_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// wire is an answer as it comes over the wire.
type wire struct {
	Status int
	Kind   string
	Body   string
}

// ask sends a request to what serves at a host, without any client of Docker's in between.
func ask(t *testing.T, handler http.Handler, method, path string) wire {
	t.Helper()
	server := serveTCP(t, handler.ServeHTTP)
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Transport.RoundTrip(req) // follows no redirect
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // what was wanted has been read
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return wire{Status: resp.StatusCode, Kind: resp.Header.Get("Content-Type"), Body: string(body)}
}

// What the fakes of these tests say is what the real engine says: to the byte where this package reads the text, else
// in status and form, as the wording differs between engines. The same calls come to the same end on both.
func TestFakesAreTrue(t *testing.T) {
	t.Parallel()

	genuine := toRealEngine(t)
	running := testenv.Run(t, testenv.Container{})
	paused := testenv.Run(t, testenv.Container{})
	pause(t, paused)

	observe := func(ref string) func(context.Context, *dockerwatch.Engine) (dockerwatch.Phase, error) {
		return func(ctx context.Context, e *dockerwatch.Engine) (dockerwatch.Phase, error) {
			seen, err := e.Observe(ctx, ref)
			return seen.Phase, err
		}
	}
	remove := func(id string) func(context.Context, *dockerwatch.Engine) (dockerwatch.Phase, error) {
		return func(ctx context.Context, e *dockerwatch.Engine) (dockerwatch.Phase, error) {
			return "", e.Remove(ctx, id, dockerwatch.RemoveOptions{})
		}
	}
	cases := []struct {
		reason       string
		method, path string
		fake         http.HandlerFunc
		read         bool                                                                  // this package reads the text
		do           func(context.Context, *dockerwatch.Engine) (dockerwatch.Phase, error) // nil: no call asks for this
		phase        dockerwatch.Phase
		err          error
	}{
		{
			reason: "a name that nobody has", method: http.MethodGet, path: "/containers/nobody/json",
			fake: engineSays(404, "No such container: nobody"), read: true, do: observe("nobody"), phase: dockerwatch.Gone,
		}, {
			reason: "an id that nobody has", method: http.MethodGet, path: "/containers/" + otherID + "/json",
			fake: engineSays(404, "No such container: "+otherID), read: true, do: observe(otherID), phase: dockerwatch.Gone,
		}, {
			reason: "a removal of what is gone", method: http.MethodDelete, path: "/containers/" + otherID,
			fake: engineSays(404, "No such container: "+otherID), read: true, do: remove(otherID),
			err: dockerwatch.ErrNotThere,
		}, {
			reason: "a removal of what runs", method: http.MethodDelete, path: "/containers/" + running,
			fake: engineSays(409, "You cannot remove a running container "+running),
			do:   remove(running), err: dockerwatch.ErrRefused,
		}, {
			reason: "a removal of what is paused", method: http.MethodDelete, path: "/containers/" + paused,
			fake: engineSays(409, "You cannot remove a paused container "+paused),
			do:   remove(paused), err: dockerwatch.ErrRefused,
		}, {
			reason: "a route that there is not", method: http.MethodGet, path: "/nothing",
			fake: engineSays(404, "page not found"),
		}, {
			reason: "a version that it does not speak", method: http.MethodGet, path: "/v1.99/containers/nobody/json",
			fake: engineSays(400, "client version 1.99 is too new"),
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			fromReal, fromFake := ask(t, genuine, c.method, c.path), ask(t, c.fake, c.method, c.path)
			if !c.read {
				fromReal.Body, fromFake.Body = "", ""
			}
			if diff := cmp.Diff(fromReal, fromFake); diff != "" {
				t.Errorf("on the wire (-real +fake):\n%s", diff)
			}
			if c.do == nil {
				return
			}
			engines := map[string]*dockerwatch.Engine{"real": realEngine(t), "fake": fakeEngine(t, named(c.fake))}
			for which, engine := range engines {
				phase, err := c.do(t.Context(), engine)
				if phase != c.phase {
					t.Errorf("%s: phase %q, want %q", which, phase, c.phase)
				}
				if c.err != nil {
					isOnly(t, err, c.err)
				} else if err != nil {
					t.Errorf("%s: %v", which, err)
				}
			}
		})
	}
}

// Seventeen ids have at least two that begin with the same digit.
func TestAmbiguousPrefix(t *testing.T) {
	t.Parallel()

	engine := realEngine(t)
	first := map[byte]bool{}
	ambiguous := ""
	for range 17 {
		id := testenv.Run(t, testenv.Container{NoStart: true})
		if first[id[0]] {
			ambiguous = id[:1]
		}
		first[id[0]] = true
	}
	// Older engines call it a failure of theirs, newer ones a bad request. It is not a 404.
	got := ask(t, toRealEngine(t), http.MethodGet, "/containers/"+ambiguous+"/json")
	if got.Status != http.StatusInternalServerError && got.Status != http.StatusBadRequest {
		t.Errorf("the engine says %+v", got)
	}
	_, err := engine.Observe(t.Context(), ambiguous)
	isOnly(t, err, dockerwatch.ErrInvalidReference)
}

// An empty reference would be sent to the list, which has nothing to do with one container.
func TestEmptyReferenceOnTheWire(t *testing.T) {
	t.Parallel()

	got := ask(t, toRealEngine(t), http.MethodGet, "/containers//json")
	if got.Status != http.StatusMovedPermanently || strings.Contains(got.Body, "No such container") {
		t.Errorf("the engine says %+v", got)
	}
}
