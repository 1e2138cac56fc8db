package apply

import (
	"context"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// sessionLog returns a logger with what there was before the effect. Keys are the same in every line.
func sessionLog(ctx context.Context, f verdict.SessionFacts, v verdict.Verdict) logr.Logger {
	log := withContainer(logFor(ctx, v), f.Container, f.Evidence)
	if f.Owner.OtherSession(f.Row.ID) {
		log = log.WithValues("owner", f.Owner.Session)
	}
	return log.WithValues("status", f.Row.Status, "claim", f.Row.Claim)
}

// logFor returns the logger of a pass with the verdict.
func logFor(ctx context.Context, v verdict.Verdict) logr.Logger {
	return logr.FromContextOrDiscard(ctx).WithValues("action", string(v.Action), "reason", string(v.Reason),
		"rule", v.Rule)
}

// withContainer adds what the look and the events said of the container. Never its labels, environment or command.
func withContainer(log logr.Logger, c dockerwatch.Observation, ev dockerwatch.Evidence) logr.Logger {
	if c.Phase == "" {
		return log
	}
	log = log.WithValues("phase", string(c.Phase))
	if c.ID != "" {
		log = log.WithValues("container", c.ID, "name", c.Name)
	}
	switch {
	case !c.FinishedAt.IsZero() && !c.Phase.Alive():
		log = log.WithValues("exitcode", c.ExitCode, "oom", c.OOMKilled || ev.OOMKilled, "finished", c.FinishedAt)
	case c.Phase == dockerwatch.Gone && ev.Ended():
		log = log.WithValues("oom", ev.OOMKilled, "finished", ev.EndedAt())
		if ev.ExitCode != nil {
			log = log.WithValues("exitcode", *ev.ExitCode)
		}
	}
	return log
}

// containerLog returns a logger with what there was before the effect. Keys are the same in every line; the container's
// id is there already.
func containerLog(ctx context.Context, f verdict.ContainerFacts, v verdict.Verdict) logr.Logger {
	log := logFor(ctx, v).WithValues("phase", string(f.Container.Phase), "name", f.Container.Name,
		"session", f.Owner.Session)
	if f.SessionFound {
		log = log.WithValues("status", f.Session.Status, "claim", f.Session.Claim)
	}
	return log
}
