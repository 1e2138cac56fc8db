package main

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/session-controller/session-controller/test/engine"
)

const (
	goneSessions = 10_000
	goneRounds   = 3
	// goneSeed is how many of them the seed is measured on; its figure is that times goneSessions/goneSeed.
	goneSeed = 100
)

// gone measures how long it takes until the sessions of a rebooted host are failed, whose containers are all gone.
func gone(ctx context.Context, opts options) (figures []figure, err error) {
	e := engine.New("bench") //nolint:contextcheck // What an engine does later is nobody's request.

	b, stop, err := syntheticBed(ctx, opts, "gone", e)
	if err != nil {
		return nil, err
	}
	defer func() { err = orElse(err, stop()) }()

	// The engine is accepted by what it has of the sessions, and the one that stays healthy is that.
	if err := b.insert(ctx, b.populate(e, 1)); err != nil {
		return nil, err
	}

	sessions := phantoms(goneSessions)

	medians, err := byTurns(goneRounds,
		func() (float64, error) {
			return b.onGone(ctx, sessions, func() error {
				return b.command(ctx, "1h", "sweep")
			})
		},
		func() (float64, error) {
			return b.onGone(ctx, sessions, func() error {
				_, err := b.db.ExecContext(ctx, `UPDATE sessions SET status = 'ERROR', container_id = NULL
					WHERE container_id = ANY($1) AND status = 'ACTIVE'`, pq.Array(claimsOf(sessions)))

				return err
			})
		})
	if err != nil {
		return nil, err
	}

	seeds, err := b.onGone(ctx, sessions[:goneSeed], func() error {
		_, err := seed{b}.sweep(ctx, sessions[:goneSeed])

		return err
	})
	seeds *= goneSessions / goneSeed

	return []figure{
		{Name: "gone_10k", Value: medians[0], Unit: seconds, Seed: &seeds, Floor: &medians[1], Runs: goneRounds},
	}, err
}

// onGone times what is done about sessions whose containers never were, and checks that all of them are failed.
func (b *bed) onGone(ctx context.Context, sessions []session, do func() error) (float64, error) {
	if err := b.insert(ctx, sessions); err != nil {
		return 0, err
	}

	if err := b.analyze(ctx); err != nil {
		return 0, err
	}

	took, err := timed(do)
	if err != nil {
		return 0, err
	}

	failed, err := b.counted(ctx, "SELECT count(*) FROM sessions WHERE status = 'ERROR' AND container_id IS NULL")
	if err == nil && failed != len(sessions) {
		err = fmt.Errorf("%d sessions are failed and claim nothing, and not %d", failed, len(sessions))
	}

	if err != nil {
		return 0, err
	}

	return took, b.statements(ctx, "DELETE FROM sessions WHERE status = 'ERROR'")
}

// phantoms are sessions that claim containers which there never were.
func phantoms(n int) []session {
	sessions := make([]session, n)
	for i := range sessions {
		sessions[i] = session{id: fmt.Sprintf("phantom-%d", i), claim: fmt.Sprintf("%024x%040x", i, time.Now().UnixNano())}
	}

	return sessions
}
