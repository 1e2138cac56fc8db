package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
)

// look is the floor of a sweep: one list of all containers and one query of all claims, read to the end.
func (b *bed) look(ctx context.Context, docker *client.Client) (rows int, err error) {
	if _, err := docker.ContainerList(ctx, container.ListOptions{All: true}); err != nil {
		return 0, fmt.Errorf("list the containers: %w", err)
	}

	found, err := b.db.QueryContext(ctx,
		"SELECT id, status, container_id FROM sessions WHERE container_id IS NOT NULL AND container_id <> ''")
	if err != nil {
		return 0, fmt.Errorf("read the sessions: %w", err)
	}

	defer func() { err = errors.Join(err, found.Close(), found.Err()) }()

	for found.Next() {
		var id, status, claim string
		if err := found.Scan(&id, &status, &claim); err != nil {
			return 0, fmt.Errorf("read a session: %w", err)
		}

		rows++
	}

	return rows, nil
}
