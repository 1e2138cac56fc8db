package controllers

import (
	"context"

	"github.com/session-controller/session-controller/controllers/internal/evidence"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// reportedRows bounds the rows of unknown status and the impossible claims that are reported one by one; all are
// counted. One status that is not configured can be that of most rows of a table, and each report is remembered.
const reportedRows = 100

// nominees are the keys that one sweep found worth a look: what is adrift, what must be reported and was not yet, and
// every owned container without a claim. They are handed on when the sweep has ended, so that its counts are known when
// the first of them is looked at.
type nominees struct {
	sessions   []verdict.SessionKey
	containers []verdict.ContainerKey
	// reported is how many rows of unknown status or with an impossible claim are among them.
	reported int
}

// visitor returns a visitor that collects the nominees of one sweep.
func (n *nominees) visitor(m *evidence.SessionTracker) visitor {
	return visitor{
		row: func(row sessiondb.Row, _ *dockerwatch.Container, s standing) {
			if n.worthALook(m, row, s) {
				n.sessions = append(n.sessions, SessionKey(row.ID))
			}
		},
		container: func(c *dockerwatch.Container) { n.containers = append(n.containers, ContainerKey(c.ID)) },
	}
}

func (n *nominees) worthALook(m *evidence.SessionTracker, row sessiondb.Row, s standing) bool {
	var reason verdict.Reason
	switch s {
	case standsHealthy:
		return false
	case standsAdrift:
		return true
	case standsHeld, standsInvalid:
		if n.reported++; n.reported > reportedRows {
			return false
		}
		reason = verdict.StatusUnknown
		if s == standsInvalid {
			reason = verdict.ClaimInvalid
		}
	case standsTaken:
		reason = verdict.ContainerTaken
	case standsForeign:
		reason = verdict.ContainerForeign
	}
	return !m.Logged(SessionKey(row.ID), row.Claim, said(reason))
}

// handOn nominates them. The error is ctx's, when it ends first.
func (n *nominees) handOn(
	ctx context.Context, session func(context.Context, verdict.SessionKey) error,
	container func(context.Context, verdict.ContainerKey) error,
) error {
	for _, key := range n.sessions {
		if err := session(ctx, key); err != nil {
			return err
		}
	}
	for _, key := range n.containers {
		if err := container(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
