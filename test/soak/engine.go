package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"

	"github.com/session-controller/session-controller/test/rig"
)

const (
	// image is imported by hack/test-env.sh; hack/lib.sh has the same name.
	image = "session-controller-test/workload:latest"
	// runLabel is on every container of a run, owned by label or by name: it is how the soak finds its own again.
	runLabel = "test.session-controller.soak"

	sessionLabel      = "io.session-controller.session"
	installationLabel = "io.session-controller.installation"
)

// engine is the session server's way to the Docker Engine.
type engine struct {
	*client.Client

	// run is the name of this run, on everything that is its own.
	run string
	// count is how many containers there were at the last list, and those that were made since.
	count atomic.Int64
}

// wish is what the server asks for when it makes a container.
type wish struct {
	session string
	// labelled owns it by label; otherwise its name does.
	labelled   bool
	autoRemove bool
	command    []string
	// unstarted leaves it created.
	unstarted bool
}

func openEngine(ctx context.Context) (*engine, error) {
	host := os.Getenv(rig.DockerVariable)
	if host == "" {
		return nil, fmt.Errorf("this needs a Docker Engine and %s is not set: %s", rig.DockerVariable, rig.HowToGet)
	}

	docker, err := client.NewClientWithOpts(client.WithHost(host), client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("make a client for the engine %s of %s: %w", host, rig.DockerVariable, err)
	}

	if _, err := docker.ImageInspect(ctx, image); err != nil {
		return nil, errors.Join(
			fmt.Errorf("look for the image %s on the engine %s: %w: %s", image, host, err, rig.HowToGet), docker.Close())
	}

	return &engine{Client: docker, run: "soak-" + strings.ToLower(rand.Text()[:10])}, nil
}

// namePrefix owns containers by name; what follows is the session.
func (e *engine) namePrefix() string { return e.run + "-named-" }

// start makes a container and starts it, and returns it.
func (e *engine) start(ctx context.Context, w wish) (box, error) {
	name := e.namePrefix() + w.session
	labels := map[string]string{runLabel: e.run}

	if w.labelled {
		// A session that is respawned has more than one in its life, so its id cannot be the name.
		name = e.run + "-" + strings.ToLower(rand.Text()[:12])
		labels[sessionLabel], labels[installationLabel] = w.session, e.run
	}

	e.count.Add(1)

	created, err := e.ContainerCreate(ctx,
		&container.Config{Image: image, Labels: labels, Cmd: w.command},
		&container.HostConfig{AutoRemove: w.autoRemove, NetworkMode: "none"}, nil, nil, name)
	if err != nil {
		return box{}, fmt.Errorf("create container %s: %w", name, err)
	}

	b := box{id: created.ID, name: name}
	if w.unstarted {
		return b, nil
	}

	if err := e.ContainerStart(ctx, b.id, container.StartOptions{}); err != nil {
		return b, fmt.Errorf("start container %s: %w", name, err)
	}

	return b, nil
}

// kill ends the container's process by way of the engine, as `docker kill` does.
func (e *engine) kill(ctx context.Context, id string) error {
	return unlessGone(e.ContainerKill(ctx, id, "SIGKILL"))
}

// remove takes the container away in whatever state it is, as `docker rm -f` does.
func (e *engine) remove(ctx context.Context, id string) error {
	return unlessGone(e.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true}))
}

// stop ends the container's process as `docker stop` does.
func (e *engine) stop(ctx context.Context, id string) error {
	second := 1

	return unlessGone(e.ContainerStop(ctx, id, container.StopOptions{Timeout: &second}))
}

// unlessGone: the controller may stop or remove the same container at the same time, which is as good.
func unlessGone(err error) error {
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		return nil
	}

	return err
}

// own lists the containers of this run.
func (e *engine) own(ctx context.Context) ([]box, error) {
	list, err := e.ContainerList(ctx, container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("label", runLabel+"="+e.run)),
	})
	if err != nil {
		return nil, fmt.Errorf("list the containers of this run: %w", err)
	}

	found := make([]box, 0, len(list))

	for _, c := range list {
		b := box{id: c.ID, state: c.State}
		// One that is being removed has lost its name.
		if len(c.Names) > 0 {
			b.name = strings.TrimPrefix(c.Names[0], "/")
		}

		found = append(found, b)
	}

	e.count.Store(int64(len(found)))

	return found, nil
}

// clear removes every container of this run. A call that was given up may still make one, so it looks again after the
// first list that is empty.
func (e *engine) clear(ctx context.Context) error {
	var last error

	for empty := 0; empty < 2; {
		found, err := e.own(ctx)
		last = err

		if err == nil && len(found) == 0 {
			empty++
		}

		for _, b := range found {
			last = errors.Join(last, e.remove(ctx, b.id))
		}

		if !pause(ctx, 200*time.Millisecond) {
			return fmt.Errorf("remove all containers with the label %s=%s: %w; remove them by hand",
				runLabel, e.run, errors.Join(ctx.Err(), last))
		}
	}

	return e.Close()
}

// pause waits; it returns false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()

	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
