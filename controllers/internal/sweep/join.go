package sweep

import (
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// RowState is what a snapshot says of a row: a guess that is good enough to leave a row alone or to nominate it, and
// never good enough to act on.
type RowState int

const (
	// Healthy is a live row whose container the list shows alive.
	Healthy RowState = iota
	// Held is a row that is not touched: its status is unknown.
	Held
	// Invalid is a row whose claim can name no container.
	Invalid
	// Taken is a live row whose container is labelled with another session.
	Taken
	// Foreign is an ended row whose container is not owned and stays.
	Foreign
	// Adrift is everything else: a look is due.
	Adrift
)

// join is the sweep's view of one row: what the list says of the container that it claims. Pure.
func join(row sessiondb.Row, x *dockerwatch.Index, o dockerwatch.Ownership) (RowState, *dockerwatch.Container) {
	if row.Kind == sessiondb.StatusUnknown {
		return Held, x.Find(row.Claim)
	}
	if dockerwatch.CheckReference(row.Claim) != nil {
		return Invalid, nil
	}
	c := x.Find(row.Claim)
	if c == nil {
		return Adrift, nil
	}
	owner := o.JudgeClaimed(c.Name(), c.Labels)
	switch {
	case row.Kind == sessiondb.StatusLive && (c.Phase == dockerwatch.Running || c.Phase == dockerwatch.Paused):
		if owner.OtherSession(row.ID) {
			return Taken, c
		}
		return Healthy, c
	case row.Kind == sessiondb.StatusEnded && !owner.Owned && !owner.OtherSession(row.ID):
		return Foreign, c
	default:
		return Adrift, c
	}
}
