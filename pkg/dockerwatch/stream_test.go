package dockerwatch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// follow follows the events until the test ends and returns them. The stream is up when it returns.
func follow(t *testing.T, engine *dockerwatch.Engine, since time.Time) <-chan dockerwatch.Event {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	events := make(chan dockerwatch.Event)
	up, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- engine.Events(ctx, since, func(string) error { close(up); return nil }, func(e dockerwatch.Event) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the stream ended with %v", err)
		}
	})
	select {
	case <-up:
	case err := <-ended:
		ended <- err
		t.Fatalf("Events: %v", err)
	}
	return events
}

// next returns the next event of one container.
func next(t *testing.T, events <-chan dockerwatch.Event, id string) dockerwatch.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		select {
		case e := <-events:
			if e.ID == id {
				return e
			}
		case <-ctx.Done():
			t.Fatalf("waited in vain for an event of container %s", id)
		}
	}
}

// until returns the events of one container up to the last action.
func until(t *testing.T, events <-chan dockerwatch.Event, id string, last dockerwatch.Action) []dockerwatch.Event {
	t.Helper()
	var seen []dockerwatch.Event
	for {
		seen = append(seen, next(t, events, id))
		if seen[len(seen)-1].Action == last {
			return seen
		}
	}
}

// How a container ended can be told from its events.
func TestEvents(t *testing.T) {
	t.Parallel()

	cases := []struct {
		reason string
		run    testenv.Container
		end    func(t *testing.T, engine *dockerwatch.Engine, id string)
		last   dockerwatch.Action
		want   []dockerwatch.Action
		code   int
	}{
		{
			reason: "a stop emits kill before die",
			run:    testenv.Container{AutoRemove: true}, last: dockerwatch.ActionDestroy, code: 143,
			end: func(t *testing.T, engine *dockerwatch.Engine, id string) {
				t.Helper()
				if err := engine.Stop(t.Context(), id, patience); err != nil {
					t.Error(err)
				}
			},
			want: []dockerwatch.Action{"create", "start", "kill", "die", "destroy"},
		}, {
			reason: "a process that ends by itself emits no kill", last: dockerwatch.ActionDie, code: 5,
			run: testenv.Container{Cmd: []string{"/workload", "exit-on-usr1", "5"}},
			end: func(t *testing.T, _ *dockerwatch.Engine, id string) {
				t.Helper()
				testenv.Signal(t, id, syscall.SIGUSR1)
			},
			want: []dockerwatch.Action{"create", "start", "die"},
		}, {
			reason: "the kernel's memory killer emits oom before die", last: dockerwatch.ActionDie, code: 137,
			run:  testenv.Container{Cmd: []string{"/workload", "oom"}, MemoryMiB: 16},
			end:  func(*testing.T, *dockerwatch.Engine, string) {},
			want: []dockerwatch.Action{"create", "start", "oom", "die"},
		},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			engine := realEngine(t)
			info, err := engine.Info(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			events := follow(t, engine, info.Time)
			c.run.Name = testenv.Name(t, "events-")
			c.run.Labels = map[string]string{"k": "v"}
			id := testenv.Run(t, c.run)
			c.end(t, engine, id)
			var actions []dockerwatch.Action
			var start, die dockerwatch.Event
			for _, e := range until(t, events, id, c.last) {
				switch e.Action { //nolint:exhaustive // only these two are looked into
				case dockerwatch.ActionStart:
					start = e
				case dockerwatch.ActionDie:
					die = e
				}
				if e.Action != dockerwatch.ActionStop { // comes before or after die, as it happens
					actions = append(actions, e.Action)
				}
			}
			if diff := cmp.Diff(c.want, slices.Compact(actions)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if die.ExitCode == nil || *die.ExitCode != c.code || die.Name != c.run.Name || die.Labels["k"] != "v" {
				t.Errorf("the die event: %+v", die)
			}
			if start.ExitCode != nil || !start.Time.Before(die.Time) || start.Time.Before(info.Time) {
				t.Errorf("the start event: %+v", start)
			}
		})
	}
}

// After a break the stream is resumed from the last event's own time, which is inclusive. On an engine of its own: one
// that others use as well forgets an event after 256 others.
func TestEventsResume(t *testing.T) {
	t.Parallel()

	private := testenv.StartEngine(t)
	engine := open(t, dockerwatch.Config{Host: private.Host(), Timeout: patience})
	live := follow(t, engine, time.Time{})
	id := private.Run(testenv.Container{NoStart: true})
	created := next(t, live, id)
	if created.Action != dockerwatch.ActionCreate {
		t.Fatalf("the first event: %+v", created)
	}
	if diff := cmp.Diff(created, next(t, follow(t, engine, created.Time), id)); diff != "" {
		t.Errorf("the event comes again, with the same time to the nanosecond (-want +got):\n%s", diff)
	}
	if err := engine.Remove(t.Context(), id, dockerwatch.RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	later := next(t, follow(t, engine, created.Time.Add(time.Nanosecond)), id)
	if later.Action != dockerwatch.ActionDestroy {
		t.Errorf("a nanosecond later the first event is %s, want destroy", later.Action)
	}
}

// Whatever breaks a stream ends the call, with an error that says what it was.
func TestEventsEnd(t *testing.T) {
	t.Parallel()

	const event = `{"Type":"container","Action":"die","Actor":{"ID":"` + someID + `"},"timeNano":1}` + "\n"
	cases := []struct {
		reason    string
		serve     http.HandlerFunc
		connected bool
		events    int
		want      error // nil: a plain error
	}{
		{"the engine goes down", says(200, "application/json", event+event), true, 2, dockerwatch.ErrUnreachable},
		{"in the middle of an event", cuts(200, event+event[:20]), true, 1, dockerwatch.ErrUnreachable},
		{"something that is no event", says(200, "application/json", event+"<html>"), true, 1, dockerwatch.ErrUnreachable},
		{"a proxy's page", says(404, "text/html", "<html>"), false, 0, dockerwatch.ErrUnreachable},
		{"a redirect to what looks like events", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(http.StatusFound)
			_, _ = io.WriteString(w, event)
		}, false, 0, dockerwatch.ErrUnreachable},
		{"a refusal of the engine", engineSays(400, "invalid filter"), false, 0, nil},
		{"no answer", drops, false, 0, dockerwatch.ErrUnreachable},
		{"it hangs before it answers", hangs, false, 0, dockerwatch.ErrTimeout},
	}
	for _, c := range cases {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			engine := fakeEngine(t, named(c.serve))
			if errors.Is(c.want, dockerwatch.ErrTimeout) {
				engine = hangingEngine(t, named(c.serve))
			}
			connected, events := false, 0
			err := engine.Events(t.Context(), time.Time{}, func(string) error {
				connected = true
				return nil
			}, func(dockerwatch.Event) { events++ })
			isOnly(t, err, c.want)
			if connected != c.connected || events != c.events {
				t.Errorf("connected %v with %d events, want %v with %d", connected, events, c.connected, c.events)
			}
		})
	}
}

// Only connecting has a deadline: a stream may be silent for ever.
func TestEventsMayBeSilent(t *testing.T) {
	t.Parallel()

	engine := hangingEngine(t, named(begins("")))
	ctx, cancel := context.WithTimeout(t.Context(), 2*hung)
	defer cancel()
	connected := 0
	err := engine.Events(ctx, time.Time{}, func(string) error {
		connected++
		return nil
	}, func(e dockerwatch.Event) { t.Errorf("event %+v", e) })
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, dockerwatch.ErrTimeout) || connected != 1 {
		t.Errorf("Events = %v, connected %d times; want the end of the caller's own time", err, connected)
	}
}

func TestEventsGivenUp(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		reason, at string
		serve      http.HandlerFunc
	}{
		{"at the ping", "/_ping", hangs},
		{"when the engine is asked who it is", "/info", pings("1.41", hangs)},
		{"while connecting", "/events", introduced(hangs)},
		{"while it is up", "/events", introduced(begins(""))},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			host := serveSocket(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, tt.at) {
					cancel()
				}
				tt.serve(w, r)
			}))
			engine := open(t, dockerwatch.Config{Host: host, Timeout: patience})
			err := engine.Events(ctx, time.Time{}, func(string) error { return nil }, func(dockerwatch.Event) {})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Events = %v, want context.Canceled", err)
			}
		})
	}
}

// What is asked of the engine: containers only, the actions that matter, to the nanosecond.
func TestEventsOnTheWire(t *testing.T) {
	t.Parallel()

	var query url.Values
	engine := fakeEngine(t, named(func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query()
		says(200, "application/json", "")(w, r)
	}))
	err := engine.Events(t.Context(), time.Unix(1700000000, 42), func(string) error { return nil },
		func(dockerwatch.Event) {})
	isOnly(t, err, dockerwatch.ErrUnreachable)
	want := url.Values{
		"since": {"1700000000.000000042"},
		"filters": {`{"event":{"create":true,"destroy":true,"die":true,"kill":true,"oom":true,"pause":true,` +
			`"rename":true,"start":true,"stop":true,"unpause":true},"type":{"container":true}}`},
	}
	if diff := cmp.Diff(want, query); diff != "" {
		t.Errorf("query (-want +got):\n%s", diff)
	}
}
