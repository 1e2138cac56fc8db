package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/session-controller/session-controller/test/rig"
)

const (
	// cleanUpTimeout bounds the end: twenty containers are gone in a few seconds, on a busy machine in more.
	cleanUpTimeout = time.Minute
	// fewest sessions must have been opened for a run to say anything.
	fewest = 10
)

// soak makes the world, churns it and takes it away again. The error is everything that is wrong, a sentence each.
func soak(ctx context.Context, opts options, stdout io.Writer) (err error) {
	made, err := rig.CreateDatabase(ctx, "soak")
	if err != nil {
		return interruptedOr(ctx, err)
	}

	db := &database{made}

	// What is made is taken away in the reverse order, also when the run was interrupted.
	last := func(do func(context.Context) error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
		defer cancel()

		err = errors.Join(err, do(ctx))
	}

	defer last(db.Drop)

	engine, err := openEngine(ctx)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	defer last(engine.clear)

	directory, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return fmt.Errorf("make a directory for the configuration: %w", err)
	}
	defer last(func(context.Context) error { return os.RemoveAll(directory) })

	config, env, err := prepare(directory, opts.controller, engine, db)
	if err != nil {
		return interruptedOr(ctx, err)
	}

	controller, err := rig.Program{
		Binary: opts.controller, Config: config, Log: opts.log, Env: env,
	}.Start(ctx)
	if err != nil {
		return interruptedOr(ctx, err)
	}
	defer controller.Kill() // where it was not stopped in order

	s := &server{db: db, engine: engine, books: newBooks()}
	w := newWatcher(s, controller)
	r := &report{w: stdout}

	if err := churn(ctx, opts.duration, w, r); err != nil {
		return err
	}

	r.sayf("churned for %s; waiting until everything has converged\n", opts.duration)

	left, err := w.settle(ctx)
	if ctx.Err() != nil {
		return errInterrupted
	}

	found := s.books.copied()
	r.summary(found, w.samples, w.longest, len(left))

	return errors.Join(err, verdict(w, found, left), controller.Stop())
}

// churn lets the servers do what they do for as long as it is told, while the watcher watches.
func churn(ctx context.Context, duration time.Duration, w *watcher, r *report) error {
	if err := w.server.settleIn(ctx); err != nil {
		return err
	}

	churning, stop := context.WithTimeout(ctx, duration)
	defer stop()

	var group sync.WaitGroup
	for range servers {
		group.Go(func() { w.server.serve(churning) })
	}

	var died error

	group.Go(func() {
		select {
		case <-w.controller.Ended():
			died = w.controller.Died()

			stop()
		case <-churning.Done():
		}
	})

	r.sayf("churning for %s, warm-up %s, run %s, controller %d, log %s\n",
		duration, warmUp(duration), w.server.engine.run, w.controller.PID(), w.controller.Log())
	r.head()

	err := w.watch(churning, warmUp(duration), r)

	stop()
	group.Wait()

	if died != nil {
		return died
	}

	return interruptedOr(ctx, err)
}

// warmUp is how long pools and caches may fill before the first sample counts.
func warmUp(duration time.Duration) time.Duration { return min(time.Minute, duration/parts) }

// verdict is everything that is wrong with a run, a sentence each.
func verdict(w *watcher, found pages, left []string) error {
	var problems []error

	for _, g := range gauges {
		t, err := trendOf(w.samples, g.of)
		if err == nil {
			err = g.judge(t)
		}

		problems = append(problems, err)
	}

	if len(left) > 0 {
		problems = append(problems, fmt.Errorf("%d rows or containers still disagree %s after the last trouble, first of "+
			"all: %s; see %s", len(left), settleLimit, left[0], w.controller.Log()))
	}

	// One that is left is in the sentence before; this is for those that were over before the end.
	if w.longest.age > settleLimit && !slices.Contains(left, w.longest.what) {
		problems = append(problems, fmt.Errorf("a disagreement lasted %s before it ended, and nothing may take longer than "+
			"%s: %s; see %s", w.longest.age.Round(time.Second), settleLimit, w.longest.what, w.controller.Log()))
	}

	if len(found.waiting) > 0 {
		problems = append(problems, fmt.Errorf("%d live sessions still wait for their running container to be adopted",
			len(found.waiting)))
	}

	if len(found.harmed) > 0 {
		first := found.harmed[0]
		problems = append(problems, fmt.Errorf("%d healthy sessions were harmed, first of all %s: %s; what the controller "+
			"logged of it:\n%s", len(found.harmed), first.id, first.what, w.controller.LogOf(first.id)))
	}

	if found.counts["opened"] < fewest {
		problems = append(problems, fmt.Errorf("only %d sessions could be opened, so the run says nothing (%d calls of the "+
			"session server itself went wrong, the last with %v): run it again on a machine with less to do",
			found.counts["opened"], found.counts["mishaps"], found.mishap))
	}

	return errors.Join(problems...)
}

// interruptedOr: a call that was cut off by a signal says nothing of its own.
func interruptedOr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errInterrupted
	}

	return err
}
