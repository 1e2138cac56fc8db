package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/container"
)

// many is how many real containers a figure has.
const many = 200

// few is how many of them the seed is measured on: its time grows with the number exactly, as it takes one after
// another, so its figure is the measured one times many/few.
const few = 50

// exitedRounds is how often the controller and the floor are measured by turns; each round takes new containers.
const exitedRounds = 3

// exited measures how long it takes until sessions whose containers have all exited are failed and the containers
// removed: the controller by its sweep command, from the start of the process to its end.
func exited(ctx context.Context, b *bed, engine *realEngine) ([]figure, error) {
	// The engine is accepted by what it has of the sessions, and the one that stays healthy is that.
	well, err := engine.run(ctx, 1, b.installation)
	if err == nil {
		err = b.insert(ctx, well)
	}

	if err == nil {
		err = b.statements(ctx, "UPDATE sessions SET status = 'IDLE'") // which tells it from all others
	}

	if err != nil {
		return nil, err
	}

	medians, err := byTurns(exitedRounds,
		func() (float64, error) { return b.sweepExited(ctx, engine) },
		func() (float64, error) {
			return onExited(ctx, b, engine, many, func(all []session) error {
				return engine.removeAll(ctx, claimsOf(all), false)
			})
		})
	if err != nil {
		return nil, err
	}

	seeds, err := b.seedExited(ctx, engine)
	if err != nil {
		return nil, err
	}

	pruned, err := onExited(ctx, b, engine, many, func([]session) error {
		_, err := engine.ContainersPrune(ctx, of(b.installation))

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prune the containers of this run: %w", err)
	}

	return []figure{
		{Name: "exited_200", Value: medians[0], Unit: seconds, Seed: &seeds, Floor: &medians[1], Runs: exitedRounds},
		{Name: "exited_200_pruned", Value: pruned, Unit: seconds, Floor: &medians[1], Runs: 1},
	}, nil
}

// onExited times what is done about so many exited containers, and sees to it that nothing is left of them.
func onExited(
	ctx context.Context, b *bed, engine *realEngine, n int, do func(all []session) error,
) (float64, error) {
	all, err := engine.run(ctx, n, b.installation)
	if err != nil {
		return 0, err
	}

	if err := engine.exitAll(ctx, all); err != nil {
		return 0, err
	}

	err = b.statements(ctx, "DELETE FROM sessions WHERE status <> 'IDLE'")
	if err := errors.Join(err, b.insert(ctx, all)); err != nil {
		return 0, err
	}

	took, err := timed(func() error { return do(all) })
	if err != nil {
		return 0, err
	}

	left, err := engine.ContainerList(ctx, container.ListOptions{All: true, Filters: of(b.installation)})
	if err != nil {
		return 0, fmt.Errorf("list the containers of this run: %w", err)
	}

	for _, c := range left {
		if slices.Contains(claimsOf(all), c.ID) {
			return 0, fmt.Errorf("container %s was to be removed and is still there", c.ID)
		}
	}

	return took, nil
}

func (b *bed) sweepExited(ctx context.Context, engine *realEngine) (float64, error) {
	took, err := onExited(ctx, b, engine, many, func([]session) error {
		return b.command(ctx, "1h", "sweep")
	})
	if err != nil {
		return 0, err
	}

	failed, err := b.counted(ctx, "SELECT count(*) FROM sessions WHERE status = 'ERROR' AND container_id IS NULL")
	if err == nil && failed != many {
		err = fmt.Errorf("%d sessions are failed and claim nothing after the sweep, and not %d", failed, many)
	}

	return took, err
}

func (b *bed) seedExited(ctx context.Context, engine *realEngine) (float64, error) {
	took, err := onExited(ctx, b, engine, few, func(all []session) error {
		failed, err := seed{b}.sweep(ctx, all)
		if err == nil && failed != few {
			err = fmt.Errorf("the seed failed %d sessions, and not %d", failed, few)
		}

		return err
	})

	return took * many / few, err
}
