package e2e

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// behindEngine puts a network between the controller and the engine, which has so long to answer; 0 is the default.
func behindEngine(t *testing.T, timeout time.Duration) (*world, *dockerwatch.Engine, *network) {
	t.Helper()
	w := followed(t, testenv.PostgresURL(t))
	n := networkTo(t, engineOverTCP(t))
	engine, err := dockerwatch.New(dockerwatch.Config{Host: "tcp://" + n.to(), Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	w.opts.Engine = engine
	return w, engine, n
}

// behindDatabase puts a network between the controller and the database, which has as long to answer as a brittle one,
// or as long as any by default where timeout is 0.
func behindDatabase(t *testing.T, timeout time.Duration) (*world, *dockerwatch.Engine, *network) {
	t.Helper()
	url := testenv.PostgresURL(t)
	w := followed(t, url)
	n := networkTo(t, hostOf(t, url))
	cfg := brittle(throughHost(t, url, n.to()))
	if timeout == 0 {
		cfg.Timing = sessiondb.Timing{}
	}
	store, err := sessiondb.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w.opts.Store, w.opts.Changes = store, store
	return w, w.engine, n
}

// What goes wrong on a network, on either side of the controller. Whatever it is, rows stay as they are until there is
// an answer again, and then everything is made up for.
func TestOutageTheNetworkFails(t *testing.T) {
	t.Parallel()
	for side, behind := range map[string]func(*testing.T, time.Duration) (*world, *dockerwatch.Engine, *network){
		"engine": behindEngine, "database": behindDatabase,
	} {
		for _, tt := range []struct {
			name        string
			begin, heal func(*network)
			// answersLost says that what is asked for is still done, of which nobody hears.
			answersLost bool
		}{
			{"cut", (*network).cut, (*network).mend, false},
			{"half-open", func(n *network) {
				n.poison(`{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`,
					`{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`)
			}, (*network).heal, false},
			{"deaf", func(n *network) {
				n.poison(`{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`)
			}, (*network).heal, true},
			{"reset", func(n *network) {
				n.poison(`{"type": "reset_peer", "stream": "downstream", "attributes": {"timeout": 0}}`)
			}, (*network).heal, true},
		} {
			t.Run(side+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				w, engine, n := behind(t, time.Second)
				w.opts.ResyncPeriod = 2 * time.Second
				unharmed := w.healthy(quietly(inForm(1, 2))...)
				// What the engine alone knows of, and what the database does; eight networks need many containers.
				all := w.accidents(1, inForm([]func() accident{w.crashes, w.forgets, w.endsUnstarted}, nil)...)
				w.start(engine)

				tt.begin(n)
				want := happen(all)
				rows := w.rowsOf(want)
				w.until("it is noticed", func() bool { return len(w.log.with("Sweep failed")) > 0 })
				limit := recovery
				if side == "database" {
					// The feed has to find out by itself: to heal ends connections that lost something. A listening connection may
					// hear nothing for 5 s or 25 s.
					w.within(time.Minute, "the feed notices it, too", func() bool {
						return len(w.log.with("Change feed disconnected")) > 0
					})
					limit = afterBackoff
				}
				soon(t, inForm(time.Second, 2*time.Second))
				// The database may have taken a write whose answer was lost.
				if now := w.rowsOf(want); now != rows && (!tt.answersLost || side == "engine") {
					t.Errorf("while nobody answers, before:\n%s\nnow:\n%s\nlog:\n%s", rows, now, w.log)
				}
				unharmed()

				tt.heal(n)
				t.Logf("everything as it must be after %s", w.settles(limit, want))
				unharmed()
				w.wantOneFailureEach(want)
			})
		}
	}
}

// Where every answer takes its time, nothing fails: it only takes longer. Both sides have their default time to answer,
// because a connection and its first read take five answers of up to 300 ms, which leaves a busy machine too little of
// the 2 s of a brittle database.
func TestOutageTheNetworkIsSlow(t *testing.T) {
	t.Parallel()
	for side, behind := range map[string]func(*testing.T, time.Duration) (*world, *dockerwatch.Engine, *network){
		"engine": behindEngine, "database": behindDatabase,
	} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			w, engine, n := behind(t, 0)
			w.opts.ResyncPeriod = time.Second
			unharmed := w.healthy(quietly(2)...)
			all := w.accidents(1, inForm([]func() accident{w.crashes, w.ends, w.forgets}, nil)...)
			w.start(engine)
			n.poison(`{"type": "latency", "stream": "downstream", "attributes": {"latency": 200, "jitter": 100}}`)
			swept := func() int { return len(w.log.with(`"msg":"Swept"`)) }
			before := swept()
			t.Logf("everything as it must be after %s", w.settles(2*recovery, happen(all)))
			// The first may have begun before.
			w.until("two whole sweeps were slow", func() bool { return swept() >= before+3 })
			for _, failure := range []string{
				"Sweep failed", "did not answer in time", "Reconcile failed", "Change feed disconnected",
				"Event stream disconnected",
			} {
				w.log.want(t, 0, failure)
			}
			unharmed()
		})
	}
}
