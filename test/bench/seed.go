package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
)

// This file is the loop that the controller replaces, as it is written in the origin project: for each row, one after
// another, a process that asks whether the container runs; for each container that does not, a process that removes it;
// and an UPDATE by id, whatever the row says by then.

// seed is that loop over sessions of a bed.
type seed struct{ *bed }

// sweep goes through these sessions and returns how many it failed.
func (s seed) sweep(ctx context.Context, sessions []session) (failed int, err error) {
	for _, row := range sessions {
		if s.running(ctx, row.claim) {
			continue
		}

		_ = s.docker(ctx, "rm", "-f", row.claim).Run() // there may be none: the origin does not look

		if _, err := s.db.ExecContext(ctx,
			"UPDATE sessions SET status = 'ERROR', container_id = NULL WHERE id = $1", row.id); err != nil {
			return failed, fmt.Errorf("fail session %s the seed's way: %w", row.id, err)
		}

		failed++
	}

	return failed, nil
}

// running takes every failure for an answer, as the origin does.
func (s seed) running(ctx context.Context, claim string) bool {
	said, err := s.docker(ctx, "inspect", "--format={{.State.Running}}", claim).Output()

	return err == nil && bytes.Equal(bytes.TrimSpace(said), []byte("true"))
}

func (s seed) docker(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(cmd.Environ(), "DOCKER_HOST="+s.host)

	return cmd
}
