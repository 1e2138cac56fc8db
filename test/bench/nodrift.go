package main

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/client"

	"github.com/session-controller/session-controller/test/rig"
)

// sweeps is how many sweeps a no-drift figure is the median of.
const sweeps = 15

// noDrift measures sweeps of a running controller that find nothing to do, and the floor beside each. It checks that
// both saw the same.
func noDrift(ctx context.Context, b *bed, docker *client.Client, name string, rows int) (figure, error) {
	c, err := b.start(ctx, "1s")
	if err != nil {
		return figure{}, err
	}
	defer c.Kill() // where it was not stopped in order

	medians, err := byTurns(sweeps,
		func() (float64, error) { return nextSweep(ctx, c) },
		func() (float64, error) {
			return timed(func() error {
				found, err := b.look(ctx, docker)
				if err == nil && found != rows {
					err = fmt.Errorf("the floor's query found %d sessions with a claim where there are %d", found, rows)
				}

				return err
			})
		})
	if err != nil {
		return figure{}, err
	}

	failed, err := b.counted(ctx, "SELECT count(*) FROM sessions WHERE status = 'ERROR'")
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d sessions were failed where nothing was adrift; see %s", failed, c.Log())
	}

	if err != nil {
		return figure{}, err
	}

	return figure{Name: name, Value: medians[0], Unit: seconds, Floor: &medians[1], Runs: sweeps}, c.Stop()
}

// nextSweep waits for the controller's next sweep and returns how long it took by its own account. It asks when the
// sweep should be over, and not meanwhile.
func nextSweep(ctx context.Context, c *rig.Controller) (float64, error) {
	const (
		when = "session_controller_last_sweep_timestamp_seconds"
		took = "session_controller_last_sweep_duration_seconds"
	)

	before, err := c.Scrape(ctx)
	if err != nil {
		return 0, err
	}

	for {
		select {
		case <-time.After(250 * time.Millisecond):
		case <-c.Ended():
			return 0, c.Died()
		case <-ctx.Done():
			return 0, ctx.Err()
		}

		after, err := c.Scrape(ctx)
		if err != nil {
			return 0, err
		}

		if rig.ValueOf(after, when) > rig.ValueOf(before, when) {
			return rig.ValueOf(after, took), nil
		}
	}
}
