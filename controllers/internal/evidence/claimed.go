package evidence

import (
	"cmp"
	"context"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// observe looks at the container that the row claims. The claim of an ended row means what it meant while the row was
// live: a container that has got the same name since is another one, perhaps of a session that is being revived, and
// one that was renamed since is still the one. Where that one is gone, what has its name now may have been made while
// the row was live and no look could be taken: if it is the session's own the name is reused, and if it is unlabelled,
// the claim means it for all that is known. One that is another session's it does not mean.
func (l *Sessions) observe(
	ctx context.Context, row sessiondb.Row, resolved string,
) (c dockerwatch.Observation, remade bool, err error) {
	ref := row.Claim
	if row.Kind == sessiondb.StatusEnded {
		ref = cmp.Or(resolved, ref)
	}
	c, err = l.engine.Observe(ctx, ref)
	if err != nil || c.Phase != dockerwatch.Gone || ref == row.Claim || dockerwatch.ClaimsID(row.Claim, ref) {
		return c, false, err
	}
	holder, err := l.engine.Observe(ctx, row.Claim)
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

// renamed returns the container that the claim of a live row was seen to mean, where nothing has the claimed name now
// and that container exists: it has another name. Else it returns one without an id.
func (l *Sessions) renamed(ctx context.Context, row sessiondb.Row, resolved string) (dockerwatch.Observation, error) {
	if resolved == "" || dockerwatch.ClaimsID(row.Claim, resolved) {
		return dockerwatch.Observation{}, nil
	}
	return l.engine.Observe(ctx, resolved)
}
