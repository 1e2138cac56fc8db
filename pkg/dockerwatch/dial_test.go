package dockerwatch_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/engine"
)

// A load balancer, or a socket that another engine has bound: what one connection says is true of its engine only.
func TestTwoEnginesAtOneAddress(t *testing.T) {
	t.Parallel()

	one, other := engine.New("ONE"), engine.New("OTHER")
	id, err := one.Run(engine.Spec{Name: "web"})
	if err != nil {
		t.Fatal(err)
	}
	sockets := []string{serveSocket(t, one), serveSocket(t, other)}
	var dialled atomic.Int64
	pool := open(t, dockerwatch.Config{
		Host: "unix:///both", Timeout: patience,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			socket := sockets[int(dialled.Add(1))%len(sockets)]
			return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(socket, "unix://"))
		},
	})
	there, gone := 0, 0
	for range 50 { // the connections that are open are made to be different ones by using some at once
		results := make(chan dockerwatch.Observation)
		for range 4 {
			go func() {
				seen, err := pool.Observe(t.Context(), id)
				if err != nil {
					t.Errorf("Observe: %v", err)
				}
				results <- seen
			}()
		}
		for range 4 {
			switch seen := <-results; {
			case seen.Phase == dockerwatch.Gone && strings.HasPrefix(seen.Engine, "OTHER@"):
				gone++
			case seen.Phase == dockerwatch.Running && strings.HasPrefix(seen.Engine, "ONE@"):
				there++
			default:
				t.Fatalf("%s at engine %q", seen.Phase, seen.Engine)
			}
		}
	}
	if there == 0 || gone == 0 {
		t.Errorf("found %d times, missed %d times: only one engine was met", there, gone)
	}
	listed, err := pool.List(t.Context()) // an empty list has an engine, too
	if want := map[int]string{0: "OTHER@", 1: "ONE@"}[len(listed.Containers)]; err != nil ||
		want == "" || !strings.HasPrefix(listed.Engine, want) {
		t.Errorf("%q listed %d containers, %v", listed.Engine, len(listed.Containers), err)
	}
	if err := pool.Remove(t.Context(), otherID, dockerwatch.RemoveOptions{}); err != nil {
		isOnly(t, err, dockerwatch.ErrNotThere)
	} else {
		t.Error("a container that never was has been removed")
	}
}

// A name may look like the beginning of an id, and is looked up in the list first: it is a name all the same.
func TestHexNameOfAnotherEngine(t *testing.T) {
	t.Parallel()

	other := engine.New("OTHER")
	if _, err := other.Run(engine.Spec{Name: "1042"}); err != nil {
		t.Fatal(err)
	}
	watch := open(t, dockerwatch.Config{Host: serveSocket(t, other), Timeout: patience})
	seen, err := watch.Observe(t.Context(), "1042")
	if err != nil || !strings.HasPrefix(seen.Engine, "OTHER@") {
		t.Errorf("%s at engine %q, %v", seen.Phase, seen.Engine, err)
	}
}

// A connection that ends with its first answer cannot be asked which engine it leads to before a call goes over it. One
// that ends later has been.
func TestConnectionsForOneAnswer(t *testing.T) {
	t.Parallel()

	gone := engineSays(http.StatusNotFound, "No such container: web")
	closing := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			next(w, r)
		}
	}
	seen, err := fakeEngine(t, closing(gone)).Observe(t.Context(), "web")
	if err != nil || seen.Phase != dockerwatch.Gone || seen.Engine != fakeIdentity {
		t.Errorf("%+v, %v", seen, err)
	}
	for reason, serve := range map[string]http.HandlerFunc{
		"with a ping": closing(introduced(gone)), "with its identity": pings("1.41", closing(named(gone))),
	} {
		seen, err := open(t, dockerwatch.Config{Host: serveSocket(t, serve), Timeout: patience}).Observe(t.Context(), "web")
		isOnly(t, err, dockerwatch.ErrUnreachable)
		if seen.Phase != "" || !strings.Contains(err.Error(), "keep them open") {
			t.Errorf("%s: %+v, %v", reason, seen, err)
		}
	}
}

// What is behind a proxy can become another engine while the connections to the proxy live on.
func TestConnectionsThatAreGivenUpAreNotUsedAgain(t *testing.T) {
	t.Parallel()

	one, other := engine.New("ONE"), engine.New("OTHER")
	var behind atomic.Pointer[engine.Engine]
	behind.Store(one)
	asked, answer := make(chan struct{}), make(chan struct{})
	var first sync.Once
	host := serveSocket(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/containers/json") {
			first.Do(func() {
				close(asked)
				<-answer
			})
		}
		behind.Load().ServeHTTP(w, r)
	}))
	watch := open(t, dockerwatch.Config{Host: host, Timeout: patience})
	ended := make(chan error)
	go func() {
		_, err := watch.List(t.Context())
		ended <- err
	}()
	<-asked
	behind.Store(other)
	watch.DropConnections() // while a call uses the one that there is
	close(answer)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if listed, err := watch.List(t.Context()); err != nil || !strings.HasPrefix(listed.Engine, "OTHER@") {
			t.Errorf("%q answers, %v", listed.Engine, err)
		}
	}
}

// A proxy that found no engine for a moment may have found another one since, whichever call met that moment.
func TestAProxyThatFoundNoEngineForAMomentIsAskedAgain(t *testing.T) {
	t.Parallel()

	for name, call := range map[string]func(*dockerwatch.Engine) error{
		"who it is": func(e *dockerwatch.Engine) error { _, err := e.Info(t.Context()); return err },
		"a list":    func(e *dockerwatch.Engine) error { _, err := e.List(t.Context()); return err },
		"the stream": func(e *dockerwatch.Engine) error {
			return e.Events(t.Context(), time.Time{}, func(string) error { return nil }, func(dockerwatch.Event) {})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one, other := engine.New("ONE"), engine.New("OTHER")
			var behind atomic.Pointer[http.Handler]
			leadsTo := func(h http.Handler) { behind.Store(&h) }
			leadsTo(one)
			host := serveSocket(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				(*behind.Load()).ServeHTTP(w, r)
			}))
			watch := open(t, dockerwatch.Config{Host: host, Timeout: patience})
			if listed, err := watch.List(t.Context()); err != nil || !strings.HasPrefix(listed.Engine, "ONE@") {
				t.Fatalf("%q answers, %v", listed.Engine, err)
			}
			leadsTo(says(http.StatusBadGateway, "text/html", "<html>"))
			isOnly(t, call(watch), dockerwatch.ErrUnreachable)
			leadsTo(other)
			if listed, err := watch.List(t.Context()); err != nil || !strings.HasPrefix(listed.Engine, "OTHER@") {
				t.Errorf("%q answers, %v", listed.Engine, err)
			}
		})
	}
}

// A proxy that led elsewhere for a while leaves connections behind that still do. A stream over one of those would hear
// of nothing, and nobody would notice.
func TestEventsAreOfTheEngineThatTheAddressLeadsToNow(t *testing.T) {
	t.Parallel()

	one, other := engine.New("ONE"), engine.New("OTHER")
	sockets := []string{serveSocket(t, one), serveSocket(t, other)}
	var leads atomic.Int64
	leads.Store(1)
	watch := open(t, dockerwatch.Config{
		Host: "unix:///both", Timeout: patience,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			socket := sockets[leads.Load()]
			if leads.Load() == 0 {
				select { // meanwhile others leave the connections that they have
				case <-time.After(20 * time.Millisecond):
				case <-ctx.Done():
				}
			}
			return new(net.Dialer).DialContext(ctx, "unix", strings.TrimPrefix(socket, "unix://"))
		},
	})
	if info, err := watch.Info(t.Context()); err != nil || info.ID != "OTHER" {
		t.Fatalf("%s, %v", info.ID, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	var callers, begun sync.WaitGroup
	defer callers.Wait()
	defer cancel()
	for range 8 { // they keep theirs to the other one
		begun.Add(1)
		callers.Go(func() {
			_, _ = watch.Info(ctx)
			begun.Done()
			for ctx.Err() == nil {
				_, _ = watch.Info(ctx)
			}
		})
	}
	begun.Wait()
	leads.Store(0)
	heard := false
	_ = watch.Events(ctx, time.Time{}, func(leadsTo string) error {
		if leadsTo != "ONE@/var/lib/docker" {
			t.Errorf("the stream leads to %q", leadsTo)
		}
		_, err := one.Run(engine.Spec{})
		return err
	}, func(dockerwatch.Event) {
		heard = true
		cancel()
	})
	if !heard {
		t.Error("the engine that the address leads to was not heard")
	}
}
