package controllers

import (
	"strings"

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

// index finds the listed container that a claim means, as the engine would: full id, exact name, id prefix.
type index struct {
	byID     map[string]*dockerwatch.Container
	byName   map[string]*dockerwatch.Container
	byPrefix map[string][]*dockerwatch.Container
}

// shortID is the length of the ids that docker prints, and the shortest prefix that is taken for an id.
const shortID = 12

func newIndex(list []dockerwatch.Container) *index {
	x := &index{
		byID:     make(map[string]*dockerwatch.Container, len(list)),
		byName:   make(map[string]*dockerwatch.Container, len(list)),
		byPrefix: make(map[string][]*dockerwatch.Container, len(list)),
	}
	for i := range list {
		c := &list[i]
		x.byID[c.ID] = c
		for _, name := range c.Names {
			x.byName[name] = c
		}
		x.byPrefix[c.ID[:shortID]] = append(x.byPrefix[c.ID[:shortID]], c)
	}
	return x
}

// find returns the container that a claim means, or nil when there is none or more than one.
func (x *index) find(claim string) *dockerwatch.Container {
	ref := strings.TrimPrefix(claim, "/")
	if c := x.byID[ref]; c != nil {
		return c
	}
	if c := x.byName[ref]; c != nil {
		return c
	}
	if len(ref) < shortID {
		return nil
	}
	var found *dockerwatch.Container
	for _, c := range x.byPrefix[ref[:shortID]] {
		if len(ref) <= len(c.ID) && c.ID[:len(ref)] == ref {
			if found != nil {
				return nil
			}
			found = c
		}
	}
	return found
}

// join is the sweep's view of one row: what the list says of the container that it claims. Pure.
func join(row sessiondb.Row, x *index, o dockerwatch.Ownership) (standing, *dockerwatch.Container) {
	if row.Kind == sessiondb.StatusUnknown {
		return standsHeld, x.find(row.Claim)
	}
	if dockerwatch.CheckReference(row.Claim) != nil {
		return standsInvalid, nil
	}
	c := x.find(row.Claim)
	if c == nil {
		return standsAdrift, nil
	}
	owner := o.JudgeClaimed(firstName(c), c.Labels)
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

// firstName is the container's own name; the list gives links as further names, each with a slash in it.
func firstName(c *dockerwatch.Container) string {
	for _, name := range c.Names {
		if !strings.Contains(name, "/") {
			return name
		}
	}
	return ""
}
