package sweep

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

// Nominees are the keys that one sweep found worth a look: what is adrift, what must be reported and was not yet, and
// every owned container without a claim. They are handed on when the sweep has ended, so that its counts are known when
// the first of them is looked at.
type Nominees struct {
	Sessions   []verdict.SessionKey
	Containers []verdict.ContainerKey
	// reported is how many rows of unknown status or with an impossible claim are among them.
	reported int
}

// Callbacks returns those that collect the nominees of one sweep.
func (n *Nominees) Callbacks(tracker *evidence.SessionTracker) Callbacks {
	return Callbacks{
		Row: func(row sessiondb.Row, _ *dockerwatch.Container, s RowState) {
			if n.worthALook(tracker, row, s) {
				n.Sessions = append(n.Sessions, verdict.SessionKey(row.ID))
			}
		},
		Container: func(c *dockerwatch.Container) { n.Containers = append(n.Containers, verdict.ContainerKey(c.ID)) },
	}
}

func (n *Nominees) worthALook(tracker *evidence.SessionTracker, row sessiondb.Row, s RowState) bool {
	var reason verdict.Reason
	switch s {
	case Healthy:
		return false
	case Adrift:
		return true
	case Held, Invalid:
		if n.reported++; n.reported > reportedRows {
			return false
		}
		reason = verdict.StatusUnknown
		if s == Invalid {
			reason = verdict.ClaimInvalid
		}
	case Taken:
		reason = verdict.ContainerTaken
	case Foreign:
		reason = verdict.ContainerForeign
	}
	return !tracker.Logged(verdict.SessionKey(row.ID), row.Claim, evidence.Reported(reason))
}

// HandOn nominates them. The error is ctx's, when it ends first.
func (n *Nominees) HandOn(
	ctx context.Context, session func(context.Context, verdict.SessionKey) error,
	container func(context.Context, verdict.ContainerKey) error,
) error {
	for _, key := range n.Sessions {
		if err := session(ctx, key); err != nil {
			return err
		}
	}
	for _, key := range n.Containers {
		if err := container(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
