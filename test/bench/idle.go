package main

import (
	"context"
	"fmt"
	"time"

	"github.com/session-controller/session-controller/test/engine"
)

const (
	// probing is how often the containers' health is probed, and watching how long the controller is watched: one sweep a
	// minute is in it, wherever it begins.
	probing  = 30 * time.Second
	watching = time.Minute
)

// idle measures a controller that has nothing to do, beside 1,000 healthy containers whose health is probed.
func idle(ctx context.Context, opts options) (figures []figure, err error) {
	e := engine.New("bench") //nolint:contextcheck // What an engine does later is nobody's request.

	b, stop, err := syntheticBed(ctx, opts, "idle", e)
	if err != nil {
		return nil, err
	}
	defer func() { err = orElse(err, stop()) }()

	if err := b.insert(ctx, b.populate(e, claiming)); err != nil {
		return nil, err
	}

	if err := b.analyze(ctx); err != nil {
		return nil, err
	}

	c, err := b.start(ctx, "1m")
	if err != nil {
		return nil, err
	}
	defer c.Kill() // where it was not stopped in order

	began := time.Now()

	before, err := cpuOf(c.PID())
	if err != nil {
		return nil, err
	}

	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()

	for end := time.After(watching); end != nil; {
		select {
		case <-ticks.C:
			e.Probe(claiming / int(probing.Seconds()))
		case <-end:
			end = nil
		case <-c.Ended():
			return nil, c.Died()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}

	after, err := cpuOf(c.PID())
	if err != nil {
		return nil, err
	}

	resident, err := memoryOf(c.PID(), "VmRSS")
	if err != nil {
		return nil, err
	}

	if err := c.Stop(); err != nil {
		return nil, fmt.Errorf("after a minute of nothing: %w", err)
	}

	return []figure{
		{Name: "idle_cpu", Value: (after - before) / time.Since(began).Seconds(), Unit: ofACore, Runs: 1},
		{Name: "idle_rss", Value: resident, Unit: mebibytes, Runs: 1},
	}, nil
}
