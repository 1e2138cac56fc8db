package e2e

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/engine"
)

// One address that leads to two engines, as a load balancer's does, where every other connection is the other one's.
// Without a grace, one wrong answer that counts fails a session, or takes an ended one's claim away.
func TestTwoEnginesAtOneAddressHarmNoSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "file:"+filepath.Join(t.TempDir(), "sessions.db"), "sqlite")
	one, other := engine.New("ONE"), engine.New("OTHER")
	ctx, cancel := context.WithCancel(t.Context())
	var dials [2]func(context.Context, string, string) (net.Conn, error)
	for i, e := range []*engine.Engine{one, other} {
		dial, served := e.Pipes(ctx)
		dials[i] = dial
		t.Cleanup(served)
	}
	t.Cleanup(cancel)
	var dialled atomic.Int64
	const many = 12
	for i := range many {
		spec := engine.Spec{Name: fmt.Sprintf("%s%d", w.prefix, i)}
		id, err := one.Run(spec)
		if err != nil {
			t.Fatal(err)
		}
		claim := id
		if i%2 == 0 {
			claim = spec.Name
		}
		w.insert(fmt.Sprintf("s%d", i), "ACTIVE", claim)
	}
	kept, _ := one.Create(engine.Spec{Name: w.prefix + "ended", Labels: map[string]string{
		w.label: "ended", dockerwatch.KeepLabel: "true",
	}})
	w.insert("ended", "TERMINATED", kept)
	before := w.everything()
	info, decided := "ONE@/var/lib/docker", 0
	const sweeps = 200 // about one in seven meets enough of the right engine to go on to the sessions
	for range sweeps {
		pool, err := dockerwatch.New(dockerwatch.Config{
			Host: "unix:///both", Timeout: time.Second, Getenv: func(string) string { return "" },
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				return dials[int(dialled.Add(1))%len(dials)](ctx, network, address)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.opts.Engine, w.opts.Identity = pool, info
		if _, err := controllers.SweepOnce(w.Context(), w.opts, 2*time.Second, nil); err == nil {
			decided++
		}
		_ = pool.Close()
		if after := w.everything(); after != before {
			t.Fatalf("before:\n%s\nafter:\n%s\nlog:\n%s", before, after, w.log)
		}
	}
	t.Logf("%d of %d sweeps met one engine only, or enough of the right one", decided, sweeps)
	if decided == 0 {
		t.Error("no sweep went on to the sessions, so nothing was shown")
	}
}
