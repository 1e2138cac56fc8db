package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
	"github.com/session-controller/session-controller/test/testenv"
)

// records makes the world remember its engine in the database, as run and sweep do, and pin none.
func (w *world) records() *sessiondb.Ledger {
	w.Helper()
	ledger, err := w.store.OpenLedger(w.Context(), true)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := ledger.Close(); err != nil {
			w.Error(err)
		}
	})
	w.opts.Records, w.opts.Identity = ledger, ""
	return ledger
}

// refused sweeps and wants the engine refused and nothing changed.
func (w *world) refused(reason string, containers ...string) {
	w.Helper()
	before := w.everything(containers...)
	_, err := controllers.SweepOnce(w.Context(), w.opts, time.Minute, nil)
	if err == nil || !strings.Contains(err.Error(), "not trusted") {
		w.Errorf("%s: the sweep ended with %v, want the engine refused", reason, err)
	}
	if _, err := controllers.MakePlan(w.Context(), w.opts, nil); err == nil {
		w.Errorf("%s: a plan was made for it", reason)
	}
	if after := w.everything(containers...); after != before {
		w.Errorf("%s: before:\n%s\nafter:\n%s", reason, before, after)
	}
}

func TestAnEngineThatHasNoneOfTheContainersIsNotServedAtFirstContact(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		ledger := w.records()
		w.somebody()
		leaked := w.labelled("nobody")
		w.insert("s1", "ACTIVE", "f00d"+id60)
		w.insert("s2", "TERMINATED", "beef"+id60)
		w.refused("none of the claimed containers is there", leaked)
		if identity, err := ledger.RememberedEngine(w.Context()); identity != "" || err != nil {
			w.Errorf("engine %q is remembered, %v", identity, err)
		}
		w.insert("s3", "ACTIVE", w.run(testenv.Container{}))
		w.sweep() // one of them is enough
		w.wantRow("s1", "ERROR NULL")
		w.wantState(leaked, "gone")
		if identity, err := ledger.RememberedEngine(w.Context()); identity == "" || err != nil {
			w.Errorf("engine %q is remembered, %v", identity, err)
		}
	})
}

func TestAnotherEngineThanTheRememberedOneIsNotServed(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		ledger := w.records()
		if err := ledger.TrustEngine(w.Context(), "another@/var/lib/docker"); err != nil {
			w.Fatal(err)
		}
		w.somebody()
		id, leaked := w.run(testenv.Container{}), w.labelled("nobody")
		w.insert("s1", "ACTIVE", id) // though it holds a container that a row claims
		w.insert("s2", "ACTIVE", "f00d"+id60)
		w.insert("s3", "TERMINATED", w.exited())
		w.refused("another engine is remembered", id, leaked)
		w.opts.Identity = "another@/var/lib/docker"
		w.refused("another engine is pinned", id, leaked)
	})
}

func TestTheEngineOfAnotherNodeIsNotServed(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Records = taken{}
		w.insert("s1", "ACTIVE", "f00d"+id60)
		w.refused("the pinned engine is another node's")
	})
}

// taken are records in which the engine is another node's; that sessiondb says so is tested there.
type taken struct{}

func (taken) RememberedEngine(context.Context) (string, error) { return "", nil }

func (t taken) RememberEngine(ctx context.Context, identity, _ string) error {
	return t.EngineFree(ctx, identity)
}

func (taken) EngineFree(_ context.Context, identity string) error {
	return &sessiondb.EngineTakenError{Identity: identity, Node: "b"}
}

// impostor is an engine that is reached over the connections of looks, in place of the one that is served, and has no
// container.
type impostor struct{ controllers.Engine }

func (e impostor) Observe(context.Context, string) (dockerwatch.Observation, error) {
	return dockerwatch.Observation{Phase: dockerwatch.Gone, Engine: "another@/var/lib/docker"}, nil
}

// Absence counts only where the answer came over a connection to the engine that is served.
func TestGoneCountsOnlyOnTheEngineThatIsServed(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.opts.Workers = 1
		id := w.exited()
		w.insert("s1", "ACTIVE", id)
		w.insert("s2", "TERMINATED", id)
		before := w.everything(id)
		w.opts.Engine = impostor{w.engine}
		report, err := controllers.SweepOnce(w.Context(), w.opts, enough, nil)
		if err != nil || len(report.Failed) != 2 {
			w.Errorf("failed %+v, %v; want both sessions", report.Failed, err)
		}
		if after := w.everything(id); after != before {
			w.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
}

// What nobody claims on one engine may be another one's, where somebody does.
func TestLeakedCountsOnlyOnTheEngineThatIsServed(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		w.somebody()
		leaked, unrecorded := w.labelled("nobody"), w.labelled("s1")
		w.insert("s1", "ACTIVE", nil)
		w.opts.Engine = stranger{impostor{w.engine}}
		report, err := controllers.SweepOnce(w.Context(), w.opts, enough, nil)
		if err != nil || len(report.Failed) != 2 {
			w.Errorf("failed %+v, %v; want both containers", report.Failed, err)
		}
		w.wantState(leaked, "running")
		w.wantState(unrecorded, "running")
		w.wantRow("s1", "ACTIVE NULL")
	})
}

// stranger is an impostor that has the same containers.
type stranger struct{ impostor }

func (e stranger) Observe(ctx context.Context, claim string) (dockerwatch.Observation, error) {
	seen, err := e.Engine.Observe(ctx, claim)
	seen.Engine = "another@/var/lib/docker"
	return seen, err
}

func TestNothingIsDoneOnAnEventOfAnEngineThatIsNotTrusted(t *testing.T) {
	t.Parallel()
	inBoth(t, func(w *world) {
		ledger := w.records()
		info, err := w.engine.Info(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		if err := ledger.TrustEngine(w.Context(), "another@/var/lib/docker"); err != nil {
			w.Fatal(err)
		}
		w.opts.ResyncPeriod = time.Second
		id := w.run(testenv.Container{})
		w.insert("s1", "ACTIVE", id)
		c, _ := w.launch(w.engine)
		refused := func() int { return len(w.log.with("Sweep failed", "not trusted")) }
		w.until("the engine is refused", func() bool { return refused() == 1 })
		if err := c.Ready(); err == nil || !strings.Contains(err.Error(), "another@/var/lib/docker") {
			w.Errorf("ready says %v, want which engine is served", err)
		}
		w.dies(id)
		w.until("its end was heard of", func() bool { return len(w.log.with(`"session":"s1"`, "Will try again")) > 0 })
		w.wantRow("s1", "ACTIVE "+id)

		if err := ledger.TrustEngine(w.Context(), info.Identity()); err != nil {
			w.Fatal(err)
		}
		w.fails("s1") // without a restart
	})
}
