package identity

import (
	"context"
	"fmt"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// verify returns nil when an answer that came from the engine of this identity counts: it is the one that is served.
// Connections can lead to several engines at once.
func (g *Guard) verify(identity string) error {
	g.mu.Lock()
	accepted, refusal := g.accepted, g.refusal
	g.mu.Unlock()
	if accepted == "" {
		return refusal
	}
	if identity == accepted {
		return nil
	}
	g.Saw(identity, false)
	return fmt.Errorf("%w: an answer from %s came from %s, and the one that is served is %s; this answer does not count",
		ErrNotTrusted, g.engine.Host(), identity, accepted)
}

// Looks are the looks at containers.
type Looks interface {
	List(ctx context.Context) (dockerwatch.Listing, error)
	// ListRunning lists the containers that run and whose session label has this value, or any value where it is empty.
	ListRunning(ctx context.Context, o dockerwatch.Ownership, session string) (dockerwatch.Listing, error)
	Observe(ctx context.Context, claim string) (dockerwatch.Observation, error)
}

// Verified returns looks that only count when they come from the engine that is served; else they fail.
func (g *Guard) Verified(looks Looks) Looks { return verified{looks, g} }

type verified struct {
	Looks

	guard *Guard
}

// Observe inspects a container.
func (v verified) Observe(ctx context.Context, claim string) (dockerwatch.Observation, error) {
	seen, err := v.Looks.Observe(ctx, claim)
	if err != nil {
		return seen, err
	}
	if err := v.guard.verify(seen.Engine); err != nil {
		return dockerwatch.Observation{}, err
	}
	return seen, nil
}

// List lists the containers.
func (v verified) List(ctx context.Context) (dockerwatch.Listing, error) {
	return v.listing(v.Looks.List(ctx))
}

// ListRunning lists those that run, of one session or of all.
func (v verified) ListRunning(
	ctx context.Context, o dockerwatch.Ownership, session string,
) (dockerwatch.Listing, error) {
	return v.listing(v.Looks.ListRunning(ctx, o, session))
}

func (v verified) listing(listed dockerwatch.Listing, err error) (dockerwatch.Listing, error) {
	if err != nil {
		return listed, err
	}
	if err := v.guard.verify(listed.Engine); err != nil {
		return dockerwatch.Listing{}, err
	}
	return listed, nil
}
