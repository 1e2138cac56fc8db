package engine

import (
	"fmt"
	"time"

	api "github.com/docker/docker/api/types/container"
)

const image = "session-controller-test:latest"

// summarised is one line of the list.
func summarised(c *container) api.Summary {
	labels := c.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	return api.Summary{
		ID: c.ID, Names: []string{"/" + c.Name}, Image: image, Command: fmt.Sprint(c.Cmd), Created: c.Created.Unix(),
		Labels: labels, State: string(c.Status), Status: string(c.Status),
	}
}

// inspected is the answer to an inspect, as far as anybody reads it.
func inspected(c *container) any {
	policy := c.RestartPolicy
	if policy == "" {
		policy = "no"
	}
	labels := c.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	return map[string]any{
		"Id": c.ID, "Name": "/" + c.Name, "Created": written(c.Created), "RestartCount": c.RestartCount, "Image": image,
		"State": map[string]any{
			"Status": c.Status, "Running": c.Status.Alive(), "Paused": c.Status == Paused,
			"Restarting": c.Status == Restarting, "Dead": c.Status == Dead, "OOMKilled": c.OOMKilled,
			"ExitCode": c.ExitCode, "Error": c.Error,
			"StartedAt": written(c.StartedAt), "FinishedAt": written(c.FinishedAt),
		},
		"HostConfig": map[string]any{
			"AutoRemove": c.AutoRemove, "RestartPolicy": map[string]any{"Name": policy, "MaximumRetryCount": 0},
		},
		"Config": map[string]any{"Labels": labels, "Cmd": c.Cmd, "Env": c.Env, "Image": image},
	}
}

// written is a time as the engine writes it; never is the beginning of year 1.
func written(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
