package e2e

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// behindEngine puts a network between the controller and the engine.
func behindEngine(t *testing.T) (*world, *dockerwatch.Engine, *network) {
	t.Helper()
	w := followed(t, testenv.PostgresURL(t))
	n := networkTo(t, engineOverTCP(t))
	engine, err := dockerwatch.New(dockerwatch.Config{Host: "tcp://" + n.to(), Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	w.opts.Engine = engine
	return w, engine, n
}

// behindDatabase puts a network between the controller and the database.
func behindDatabase(t *testing.T) (*world, *dockerwatch.Engine, *network) {
	t.Helper()
	url := testenv.PostgresURL(t)
	w := followed(t, url)
	n := networkTo(t, hostOf(t, url))
	cfg := sessiondb.DefaultConfig()
	cfg.URL = throughHost(t, url, n.to())
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
func TestTheNetworkFails(t *testing.T) {
	t.Parallel()
	for side, behind := range map[string]func(*testing.T) (*world, *dockerwatch.Engine, *network){
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
				w, engine, n := behind(t)
				w.opts.ResyncPeriod = 2 * time.Second
				unharmed := w.healthy(quietly(2)...)
				all := w.accidents(1)
				w.start(engine)

				tt.begin(n)
				want := happen(all)
				rows := w.rowsOf(want)
				w.until("it is noticed", func() bool { return len(w.log.with("Sweep failed")) > 0 })
				soon(t, 2*time.Second)
				// The database may have taken a write whose answer was lost.
				if now := w.rowsOf(want); now != rows && (!tt.answersLost || side == "engine") {
					t.Errorf("while nobody answers, before:\n%s\nnow:\n%s\nlog:\n%s", rows, now, w.log)
				}
				unharmed()

				tt.heal(n)
				t.Logf("everything as it must be after %s", w.settles(recovery, want))
				unharmed()
				w.wantOneFailureEach(want)
			})
		}
	}
}

// Where every answer takes its time, nothing fails: it only takes longer.
func TestTheNetworkIsSlow(t *testing.T) {
	t.Parallel()
	for side, behind := range map[string]func(*testing.T) (*world, *dockerwatch.Engine, *network){
		"engine": behindEngine, "database": behindDatabase,
	} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			w, engine, n := behind(t)
			unharmed := w.healthy(quietly(2)...)
			all := w.accidents(1)
			w.start(engine)
			n.poison(`{"type": "latency", "stream": "downstream", "attributes": {"latency": 200, "jitter": 100}}`)
			t.Logf("everything as it must be after %s", w.settles(2*recovery, happen(all)))
			w.log.want(t, 0, "Sweep failed")
			unharmed()
		})
	}
}
