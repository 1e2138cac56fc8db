package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
	"golang.org/x/sync/errgroup"

	"github.com/session-controller/session-controller/test/rig"
)

const (
	// image is imported by hack/test-env.sh; hack/lib.sh has the same name.
	image = "session-controller-test/workload:latest"

	sessionLabel      = "io.session-controller.session"
	installationLabel = "io.session-controller.installation"

	// parallel is how many calls the floor has under way, as the controller has by default.
	parallel = 16
	// starting is how many containers are started at a time: it is the processor that they wait for.
	starting = 4
)

// realEngine is the engine of the environment, and the containers on it that are a bed's own.
type realEngine struct {
	*client.Client
}

func openEngine() (*realEngine, string, error) {
	host := os.Getenv(rig.DockerVariable)
	if host == "" {
		return nil, "", fmt.Errorf("this needs a Docker Engine and %s is not set: %s", rig.DockerVariable, rig.HowToGet)
	}

	docker, err := client.NewClientWithOpts(client.WithHost(host), client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, "", fmt.Errorf("make a client for the engine %s of %s: %w", host, rig.DockerVariable, err)
	}

	return &realEngine{docker}, host, nil
}

// run makes and starts so many containers, and returns the sessions they are labelled with. Their
// process ends by itself on SIGUSR1.
func (e *realEngine) run(ctx context.Context, n int, installation string) ([]session, error) {
	sessions := make([]session, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(starting)

	for i := range n {
		group.Go(func() error {
			name := fmt.Sprintf("%s-%d-%d", installation, time.Now().UnixNano(), i)
			created, err := e.ContainerCreate(ctx,
				&container.Config{
					Image: image, Cmd: []string{"/workload", "exit-on-usr1", "1"},
					Labels: map[string]string{sessionLabel: name, installationLabel: installation},
				},
				&container.HostConfig{NetworkMode: "none"}, nil, nil, name)
			if err != nil {
				return fmt.Errorf("create container %s: %w", name, err)
			}

			sessions[i] = session{id: name, claim: created.ID}
			if err := e.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
				return fmt.Errorf("start container %s: %w", name, err)
			}

			return nil
		})
	}

	return sessions, group.Wait()
}

// pid is the process of a container on this machine.
func (e *realEngine) pid(ctx context.Context, id string) (int, error) {
	c, err := e.ContainerInspect(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("inspect container %s: %w", id, err)
	}

	if c.State == nil || c.State.Pid == 0 {
		return 0, fmt.Errorf("inspect container %s: it has no process", id)
	}

	return c.State.Pid, nil
}

// exit ends the process as it ends by itself: the engine is not asked, so it takes it for no wish of anybody's.
func exit(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGUSR1); err != nil {
		return fmt.Errorf("signal the container's process %d: %w", pid, err)
	}

	return nil
}

// exitAll ends the processes of all of them and returns when the engine has noticed.
func (e *realEngine) exitAll(ctx context.Context, sessions []session) error {
	for _, s := range sessions {
		pid, err := e.pid(ctx, s.claim)
		if err != nil {
			return err
		}

		if err := exit(pid); err != nil {
			return err
		}
	}

	for _, s := range sessions {
		exited, failed := e.ContainerWait(ctx, s.claim, container.WaitConditionNotRunning)
		select {
		case <-exited:
		case err := <-failed:
			return fmt.Errorf("wait for the end of container %s: %w", s.claim, err)
		}
	}

	return nil
}

// removeAll removes containers that do not run, 16 at a time: the floor.
func (e *realEngine) removeAll(ctx context.Context, ids []string, force bool) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)

	for _, id := range ids {
		group.Go(func() error {
			err := e.ContainerRemove(ctx, id, container.RemoveOptions{RemoveVolumes: true, Force: force})
			if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
				return fmt.Errorf("remove container %s: %w", id, err)
			}

			return nil
		})
	}

	return group.Wait()
}

func of(installation string) filters.Args {
	return filters.NewArgs(filters.Arg("label", installationLabel+"="+installation))
}

// own lists the ids of the containers of an installation.
func (e *realEngine) own(ctx context.Context, installation string) ([]string, error) {
	list, err := e.ContainerList(ctx, container.ListOptions{All: true, Filters: of(installation)})
	if err != nil {
		return nil, fmt.Errorf("list the containers of this run: %w", err)
	}

	ids := make([]string, 0, len(list))
	for _, c := range list {
		ids = append(ids, c.ID)
	}

	return ids, nil
}

// clear removes every container of an installation, whatever it does, also when the run was interrupted.
func (e *realEngine) clear(ctx context.Context, installation string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()

	for {
		ids, err := e.own(ctx, installation)
		if err == nil && len(ids) == 0 {
			return e.Close()
		}

		err = errors.Join(err, e.removeAll(ctx, ids, true))

		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("remove all containers with the label %s=%s: %w; remove them by hand",
				installationLabel, installation, errors.Join(ctx.Err(), err))
		}
	}
}
