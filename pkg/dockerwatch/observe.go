package dockerwatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
)

// Observe inspects the container that claim means: a full id, a short id of at least 12 digits, or a name, each with
// or without a leading slash. Phase Gone is no error; it is returned only for the engine's own "No such container".
//
// A claim that can name no container, or that is an id prefix of fewer than 12 digits and no container's exact name,
// is an [ErrInvalidReference]. Every other error ([ErrUnreachable], [ErrTimeout], what the engine refused, such as an
// ambiguous prefix) says nothing about the container.
func (e *Engine) Observe(ctx context.Context, claim string) (Observation, error) {
	if err := CheckReference(claim); err != nil {
		return Observation{}, fmt.Errorf("inspect container: %w", err)
	}
	ref := claimed(claim)
	op := "inspect container " + ref
	if !IsShortPrefix(ref) {
		return e.inspect(ctx, op, ref)
	}

	// Sent as it is, such a claim would find any container whose id happens to begin with it.
	id, err := e.idOfName(ctx, op, ref)
	if err != nil {
		return Observation{}, err
	}
	seen, err := e.inspect(ctx, op, id)
	if err == nil && seen.Name != ref {
		return Observation{}, fmt.Errorf("%s: the container of that name was renamed or removed meanwhile; look again", op)
	}
	return seen, err
}

// inspect looks at one container by a reference that the engine cannot misunderstand.
func (e *Engine) inspect(ctx context.Context, op, ref string) (Observation, error) {
	raw, got, err := fetch(ctx, e, op, func(ctx context.Context, api *client.Client) (container.InspectResponse, error) {
		return api.ContainerInspect(ctx, ref)
	})
	switch {
	case got.noSuchContainer(ref):
		return Observation{Phase: Gone, Engine: got.engine}, nil
	case err != nil:
		return Observation{}, err
	}
	seen, err := observation(ref, raw)
	if err != nil {
		return Observation{}, fmt.Errorf("%s: the docker engine at %s: %w", op, e.Host(), err)
	}
	seen.Engine = got.engine
	return seen, nil
}

// idOfName finds the full id of the container with exactly this name.
func (e *Engine) idOfName(ctx context.Context, op, name string) (string, error) {
	options := container.ListOptions{All: true, Filters: filters.NewArgs(filters.Arg("name", "^/?"+name+"$"))}
	listed, _, err := fetch(ctx, e, op, func(ctx context.Context, api *client.Client) ([]container.Summary, error) {
		return api.ContainerList(ctx, options)
	})
	if err != nil {
		return "", err
	}
	for _, c := range listed {
		for _, n := range c.Names {
			if strings.TrimPrefix(n, "/") == name && IsFullID(c.ID) {
				return c.ID, nil
			}
		}
	}
	return "", fmt.Errorf("%s: no container has this name, and an id prefix of fewer than %d digits is not looked up: %w",
		op, shortIDLength, ErrInvalidReference)
}

// What makes an answer unfit to be an observation.
var (
	errIncomplete   = errors.New("its answer is not a whole container")
	errOther        = errors.New("its answer is about another container")
	errUnknownState = errors.New("its answer has a state that this version does not know")
)

// observation reads an inspect's answer. It is strict: what is not whole, or is not about ref, proves nothing.
func observation(ref string, raw container.InspectResponse) (Observation, error) {
	base := raw.ContainerJSONBase
	if base == nil || base.State == nil || base.HostConfig == nil || raw.Config == nil || !IsFullID(base.ID) {
		return Observation{}, errIncomplete
	}
	phase, known := phaseOf(base.State.Status)
	if !known {
		return Observation{}, errUnknownState
	}
	o := Observation{
		Phase:         phase,
		ID:            base.ID,
		Name:          strings.TrimPrefix(base.Name, "/"),
		Labels:        raw.Config.Labels,
		ExitCode:      base.State.ExitCode,
		OOMKilled:     base.State.OOMKilled,
		Error:         base.State.Error,
		RestartPolicy: "no",
		RestartCount:  base.RestartCount,
		AutoRemove:    base.HostConfig.AutoRemove,
		Terminal:      raw.Config.Tty,
	}
	if policy := string(base.HostConfig.RestartPolicy.Name); policy != "" {
		o.RestartPolicy = policy
	}
	if !means(ref, o.ID, o.Name) {
		return Observation{}, errOther
	}
	for _, t := range []struct {
		text string
		into *time.Time
	}{{base.Created, &o.Created}, {base.State.StartedAt, &o.StartedAt}, {base.State.FinishedAt, &o.FinishedAt}} {
		at, err := engineTime(t.text)
		if err != nil {
			return Observation{}, errIncomplete
		}
		*t.into = at
	}
	return o, nil
}

// phaseOf translates the engine's State.Status. Its Running flag is not asked: it is also true of a paused and of a
// restarting container.
func phaseOf(status string) (phase Phase, known bool) {
	switch status {
	case container.StateRunning:
		return Running, true
	case container.StatePaused:
		return Paused, true
	case container.StateRestarting:
		return Restarting, true
	case container.StateCreated:
		return Created, true
	case container.StateExited:
		return Exited, true
	case container.StateDead:
		return Dead, true
	case container.StateRemoving:
		return Removing, true
	default:
		return "", false
	}
}

// engineTime reads a time of the engine's. Never is written as the beginning of year 1, which is Go's own zero time.
func engineTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("time %q: %w", clip(s), err)
	}
	return t.UTC(), nil
}
