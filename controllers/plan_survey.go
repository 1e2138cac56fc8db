package controllers

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/session-controller/session-controller/controllers/internal/sweep"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// survey is what a sweep found worth a look.
type survey struct {
	sessions []verdict.SessionKey
	// unclaimed are the containers that no row claims, with their owners' sessions.
	unclaimed map[verdict.ContainerKey]string
}

// survey sweeps: it fills in the counts and the foreign claims.
func (c *core) survey(ctx context.Context, p *Plan) (survey, error) {
	found := survey{unclaimed: map[verdict.ContainerKey]string{}}
	var err error
	p.Sweep, err = c.sweeper.Sweep(ctx, sweep.Callbacks{
		Row: func(row sessiondb.Row, listed *dockerwatch.Container, s sweep.RowState) {
			if listed != nil {
				if f, foreign := c.foreign(row, listed); foreign {
					p.Foreign = append(p.Foreign, f)
				}
			}
			if s != sweep.Healthy && s != sweep.Held {
				found.sessions = append(found.sessions, SessionKey(row.ID))
			}
		},
		Container: func(listed *dockerwatch.Container) {
			found.unclaimed[ContainerKey(listed.ID)] = c.Ownership.Judge(listed.Name(), listed.Labels).Session
		},
	})
	if err != nil {
		return survey{}, err
	}
	p.Unknown, err = c.Store.UnknownStatuses(ctx)
	return found, err
}

// named are the sessions that were asked for, and the containers among the unclaimed ones that belong to them.
func (c *core) named(
	ctx context.Context, sessions []string, unclaimed map[verdict.ContainerKey]string,
) (survey, error) {
	found := survey{unclaimed: map[verdict.ContainerKey]string{}}
	for _, id := range sessions {
		row, err := c.Store.Get(ctx, id)
		for key, owner := range unclaimed {
			if owner == id || (err == nil && owner == row.ID) {
				found.unclaimed[key] = owner
			}
		}
		switch {
		case err == nil:
			found.sessions = append(found.sessions, SessionKey(id))
		case !errors.Is(err, sessiondb.ErrNotFound) || len(found.unclaimed) == 0:
			return survey{}, err
		}
	}
	return found, nil
}

// foreign reports whether a row claims a container that is not owned, with the setting that would own it.
func (c *core) foreign(row sessiondb.Row, listed *dockerwatch.Container) (ForeignClaim, bool) {
	name := listed.Name()
	owner := c.Ownership.JudgeClaimed(name, listed.Labels)
	if owner.Owned || owner.OtherSession(row.ID) || row.Kind == sessiondb.StatusUnknown {
		return ForeignClaim{}, false
	}
	f := ForeignClaim{Session: row.ID, Claim: row.Claim, Container: cmp.Or(name, dockerwatch.ShortID(listed.ID))}
	f.Setting = "docker.ownership.claimed: true"
	theirs := c.Ownership
	theirs.Installation = owner.Installation
	if theirs.Judge(name, listed.Labels).Owned {
		f.Setting = fmt.Sprintf("docker.ownership.installation: %q", owner.Installation)
	}
	return f, true
}
