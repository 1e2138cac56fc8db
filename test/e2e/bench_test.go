package e2e

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/test/testenv"
)

// BenchmarkDeathToError measures from the engine's own time of a die event to the commit of ERROR: go test -bench Death
// -benchtime 50x. The process dies by itself (p50, p99), or is killed with `docker kill` and waits out its exitGrace of
// one second, which is taken off (p50-after-grace).
func BenchmarkDeathToError(b *testing.B) {
	for _, db := range []struct{ name, driver string }{{"postgres", "postgres"}, {"sqlite", "sqlite"}} {
		for _, how := range []string{"crash", "kill"} {
			b.Run(db.name+"/"+how, func(b *testing.B) {
				url := "file:" + filepath.Join(b.TempDir(), "sessions.db")
				if db.name == "postgres" {
					url = testenv.PostgresURL(b)
				}
				benchmarkDeath(b, newWorld(b, url, db.driver), how)
			})
		}
	}
}

func benchmarkDeath(b *testing.B, w *world, how string) {
	b.Helper()
	const grace = time.Second
	w.opts.Policy.ExitGrace.Duration = grace
	committed := make(chan time.Time, 1)
	w.opts = w.hooked(hooks{after: func(effect string) error {
		if effect == "fail" {
			committed <- time.Now()
		}
		return nil
	}})
	died := make(chan time.Time, 64)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	listening := make(chan struct{})
	go func() {
		_ = w.engine.Events(ctx, time.Time{}, func(string) error { close(listening); return nil }, func(e dockerwatch.Event) {
			if e.Action == dockerwatch.ActionDie {
				died <- e.Time
			}
		})
	}()
	<-listening
	w.start(w.engine)
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		id := w.run(testenv.Container{})
		w.insert(id[:12], "ACTIVE", id)
		b.StartTimer()
		if how == "crash" {
			w.dies(id)
		} else if err := testenv.Docker(b).ContainerKill(b.Context(), id, "KILL"); err != nil {
			b.Fatal(err)
		}
		end := <-committed
		took = append(took, end.Sub(<-died))
	}
	slices.Sort(took)
	if how == "kill" {
		for i := range took {
			took[i] -= grace
		}
	}
	b.ReportMetric(took[len(took)/2].Seconds()*1e3, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1e3, "p99-ms")
}
