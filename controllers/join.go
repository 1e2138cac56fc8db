package controllers

import (
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// standing is what a snapshot says of a row: a guess that is good enough to leave a row alone or to nominate it, and
// never good enough to act on.
type standing int

const (
	// standsHealthy is a live row whose container the list shows alive.
	standsHealthy standing = iota
	// standsHeld is a row that is not touched: its status is unknown.
	standsHeld
	// standsInvalid is a row whose claim can name no container.
	standsInvalid
	// standsTaken is a live row whose container is labelled with another session.
	standsTaken
	// standsForeign is an ended row whose container is not owned and stays.
	standsForeign
	// standsAdrift is everything else: a look is due.
	standsAdrift
)

// join is the sweep's view of one row: what the list says of the container that it claims. Pure.
func join(row sessiondb.Row, x *dockerwatch.Index, o dockerwatch.Ownership) (standing, *dockerwatch.Container) {
	if row.Kind == sessiondb.StatusUnknown {
		return standsHeld, x.Find(row.Claim)
	}
	if dockerwatch.CheckReference(row.Claim) != nil {
		return standsInvalid, nil
	}
	c := x.Find(row.Claim)
	if c == nil {
		return standsAdrift, nil
	}
	owner := o.JudgeClaimed(c.Name(), c.Labels)
	switch {
	case row.Kind == sessiondb.StatusLive && (c.Phase == dockerwatch.Running || c.Phase == dockerwatch.Paused):
		if owner.OtherSession(row.ID) {
			return standsTaken, c
		}
		return standsHealthy, c
	case row.Kind == sessiondb.StatusEnded && !owner.Owned && !owner.OtherSession(row.ID):
		return standsForeign, c
	default:
		return standsAdrift, c
	}
}
