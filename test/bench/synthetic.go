package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/docker/docker/client"

	"github.com/session-controller/session-controller/test/engine"
)

// syntheticBed is a bed with the test engine, which is served in this process. stop takes both away.
func syntheticBed(
	ctx context.Context, opts options, name string, e *engine.Engine,
) (b *bed, stop func() error, err error) {
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))

	b, err = newBed(ctx, opts, name, "")
	if err != nil {
		cancel()

		return nil, nil, err
	}

	socket := filepath.Join(b.directory, "docker.sock")

	wait, err := e.Listen(serving, socket)
	if err != nil {
		cancel()

		return nil, nil, errors.Join(fmt.Errorf("serve the test engine: %w", err), b.close(ctx))
	}

	b.host = "unix://" + socket

	return b, func() error {
		cancel()
		wait()

		return b.close(ctx)
	}, nil
}

// populate makes running containers of the bed's own on the test engine and returns the sessions they are
// labelled with.
func (b *bed) populate(e *engine.Engine, n int) []session {
	sessions := make([]session, n)

	ids := e.Populate(n, func(i int) engine.Spec {
		name := fmt.Sprintf("%s-%d", b.installation, i)
		sessions[i].id = name

		return engine.Spec{Name: name, Labels: map[string]string{sessionLabel: name, installationLabel: b.installation}}
	})
	for i, id := range ids {
		sessions[i].claim = id
	}

	return sessions
}

// docker is a client for the bed's engine.
func (b *bed) docker() (*client.Client, error) {
	docker, err := client.NewClientWithOpts(client.WithHost(b.host), client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("make a client for the engine %s: %w", b.host, err)
	}

	return docker, nil
}

// orElse keeps the first of two errors: what goes wrong at the end says less than what ended it.
func orElse(first, second error) error {
	if first != nil {
		return first
	}

	return second
}
