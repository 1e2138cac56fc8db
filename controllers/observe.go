package controllers

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// observe looks at the container that the row claims. The claim of an ended row means what it meant while the row was
// live: a container that has got the same name since is another one, perhaps of a session that is being revived, and
// one that was renamed since is still the one. Where that one is gone, what has its name now may have been made while
// the row was live and no look could be taken: if it is the session's own the name is reused, and if it is unlabelled,
// the claim means it for all that is known. One that is another session's it does not mean.
func (l *looker) observe(
	ctx context.Context, key verdict.SessionKey, row sessiondb.Row,
) (c dockerwatch.Observation, remade bool, err error) {
	ref := row.Claim
	if row.Kind == sessiondb.StatusEnded {
		ref = cmp.Or(l.memory.meant(key, row.Claim, false), ref)
	}
	c, err = l.inspect(ctx, ref)
	if err != nil || c.Phase != dockerwatch.Gone || ref == row.Claim || claimsID(row.Claim, ref) {
		return c, false, err
	}
	holder, err := l.inspect(ctx, row.Claim)
	switch {
	case err != nil, holder.ID == ref:
		return holder, false, err
	case holder.Phase == dockerwatch.Gone:
		return c, false, nil
	}
	owner := l.ownership.JudgeClaimed(holder.Name, holder.Labels)
	if owner.OtherSession(row.ID) {
		return c, false, nil
	}
	return holder, owner.Owned, nil
}

// renamed returns the full id of the container that the claim of a live row was seen to mean, where nothing has the
// claimed name now and that container exists: it has another name. Else it returns "".
func (l *looker) renamed(ctx context.Context, key verdict.SessionKey, row sessiondb.Row) (id string, err error) {
	meant := l.memory.meant(key, row.Claim, true)
	if meant == "" || claimsID(row.Claim, meant) {
		return "", nil
	}
	c, err := l.inspect(ctx, meant)
	return c.ID, err
}

// inspect looks at a container.
func (l *looker) inspect(ctx context.Context, ref string) (dockerwatch.Observation, error) {
	began := time.Now()
	c, err := l.engine.Observe(ctx, ref)
	// An inspect waits for what the engine is doing to the container; a list may still show one that is known to have died
	// as running, and says nothing about it here.
	if err == nil && (c.Phase == dockerwatch.Running || c.Phase == dockerwatch.Paused) {
		l.history.Runs(c.ID, began)
	}
	return c, err
}

// confirm makes sure that the engine which answered is the one that is served: before a container counts as gone, and
// before anything is done about one that was found by a name, which another engine may have as well, or the name's
// meaning is remembered. A container that was found by its id proves its engine.
func (l *looker) confirm(ctx context.Context, key verdict.SessionKey, f verdict.SessionFacts) error {
	c := f.Container
	byID := c.ID != "" && claimsID(f.Row.Claim, c.ID)
	left := f.Row.Kind == sessiondb.StatusLive && c.Phase.Alive() && c.RestartCount == 0 && !f.Owner.OtherSession(f.Row.ID)
	if byID || left && l.memory.meant(key, f.Row.Claim, true) == c.ID {
		return nil
	}
	return l.guard.confirm(ctx, c.Engine)
}

// claimsID reports whether a claim is the container's id or a short form of it.
func claimsID(claim, id string) bool {
	ref := strings.TrimPrefix(claim, "/")
	return len(ref) >= shortID && strings.HasPrefix(id, ref)
}
