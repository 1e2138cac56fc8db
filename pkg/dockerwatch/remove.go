package dockerwatch

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
)

// killMargin is how long a stop is waited for beyond its grace. After the grace the engine sends SIGKILL and waits up
// to 10 s for the end (moby, daemon/kill.go); the call's own time-out comes on top.
const killMargin = 10 * time.Second

// RemoveOptions says what goes with a container.
type RemoveOptions struct {
	// Volumes removes its anonymous volumes as well.
	Volumes bool
}

// Stop asks the container with this full id to end (its stop signal, SIGTERM by default) and lets the engine kill it
// after grace, which is rounded up to whole seconds. It returns when the container is down; one that is down or gone
// already is no error. [ErrRefused]: it is being removed. After [ErrTimeout] the stop may still be under way inside
// the engine.
func (e *Engine) Stop(ctx context.Context, id string, grace time.Duration) error {
	op := "stop container " + id
	if !IsFullID(id) {
		return fmt.Errorf("%s: only a full id is stopped: %w", op, ErrInvalidReference)
	}
	seconds := wholeSeconds(grace)
	limit := time.Duration(seconds)*time.Second + killMargin + e.timeout
	got, err := e.call(ctx, op, limit, http.StatusNoContent, func(ctx context.Context, api *client.Client) error {
		return api.ContainerStop(ctx, id, container.StopOptions{Timeout: &seconds})
	})
	if got.status == http.StatusNotModified || got.noSuchContainer(id) {
		return nil
	}
	return err
}

// wholeSeconds rounds up, as a shorter grace than was asked for would break a promise. A negative one is none: the
// engine would take it for "never kill".
func wholeSeconds(d time.Duration) int {
	return int((max(d, 0) + time.Second - 1) / time.Second)
}

// Remove removes the container with this full id, without force: the engine itself refuses ([ErrRefused]) when it
// runs, is paused or restarting, that is, came back to life since the last look, or when it is being removed already.
// [ErrNotThere]: there is none.
func (e *Engine) Remove(ctx context.Context, id string, opts RemoveOptions) error {
	return e.remove(ctx, id, container.RemoveOptions{RemoveVolumes: opts.Volumes})
}

// RemoveDead removes, by force, a container that a removal left in the state dead. It looks first, and anything that
// is not Dead is an [ErrRefused]: nothing that could run is ever forced.
// [ErrNotThere]: there is none.
func (e *Engine) RemoveDead(ctx context.Context, id string, opts RemoveOptions) error {
	seen, err := e.Observe(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("remove dead container: %w", err)
	case seen.Phase == Gone:
		return fmt.Errorf("remove dead container %s: %w", id, ErrNotThere)
	case seen.Phase != Dead:
		return fmt.Errorf("remove dead container %s: it is %s: %w", id, seen.Phase, ErrRefused)
	}
	return e.remove(ctx, seen.ID, container.RemoveOptions{RemoveVolumes: opts.Volumes, Force: true})
}

func (e *Engine) remove(ctx context.Context, id string, opts container.RemoveOptions) error {
	op := "remove container " + id
	if !IsFullID(id) {
		return fmt.Errorf("%s: only a full id is removed: %w", op, ErrInvalidReference)
	}
	got, err := e.call(ctx, op, e.timeout, http.StatusNoContent, func(ctx context.Context, api *client.Client) error {
		return api.ContainerRemove(ctx, id, opts)
	})
	if got.noSuchContainer(id) {
		return fmt.Errorf("%s: %w", op, ErrNotThere)
	}
	return err
}
