package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/breaker"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// Sessions takes the fresh looks that one verdict is made from, in the order that makes them safe: the row, then the
// container it claims, then every row that claims that container (among them this one again).
type Sessions struct {
	store      Store
	engine     identity.Looks
	guard      *identity.Guard
	breaker    *breaker.Breaker
	history    History
	ownership  dockerwatch.Ownership
	tracker    *SessionTracker
	candidates *candidates
}

// Look returns the facts about one session, and changes nothing. An error of the engine is a fact (LookFailed) as well
// as the returned error, so that what is known of the row can be shown; an error of the database leaves nothing to
// show. A row that does not exist is an empty one: it claims nothing.
func (l *Sessions) Look(ctx context.Context, key verdict.SessionKey) (verdict.SessionFacts, error) {
	row, err := l.store.Get(ctx, string(key))
	if errors.Is(err, sessiondb.ErrNotFound) {
		return verdict.SessionFacts{Row: sessiondb.Row{ID: string(key), Kind: sessiondb.StatusEnded}}, nil
	}
	if err != nil {
		return verdict.SessionFacts{Row: sessiondb.Row{ID: string(key)}, RowFailed: true}, err
	}
	f := verdict.SessionFacts{Row: row, Exclusive: l.ownership.Exclusive, OtherNode: !l.store.Serves(row)}
	if !row.Claims() || f.OtherNode || row.Kind == sessiondb.StatusUnknown {
		return f, nil
	}
	return l.lookAtContainer(ctx, key, f)
}

func (l *Sessions) lookAtContainer(
	ctx context.Context, key verdict.SessionKey, f verdict.SessionFacts,
) (verdict.SessionFacts, error) {
	fail := func(err error) (verdict.SessionFacts, error) {
		f.LookFailed = true
		return f, err
	}
	if err := l.guard.Trusted(); err != nil {
		return fail(err)
	}
	now, err := l.guard.Now()
	if err != nil {
		return fail(err)
	}
	f.Began = time.Now()
	seen := l.tracker.past(key, f.Row.Claim, f.Row.Kind == sessiondb.StatusLive)
	c, remade, err := l.observe(ctx, f.Row, seen.container)
	if errors.Is(err, dockerwatch.ErrInvalidReference) {
		f.ClaimInvalid = true
		return f, nil
	}
	if err != nil {
		return fail(err)
	}
	f.Now, f.Container, f.NameReused = now, c, remade
	f.Owner = l.ownership.JudgeClaimed(c.Name, c.Labels)
	if err := l.consider(ctx, &f, seen); err != nil {
		return fail(err)
	}
	return f, nil
}

// consider adds to the facts what else the verdict on this container depends on: its replacement, what was seen of it
// before, whether the breaker holds it, and who else claims it.
func (l *Sessions) consider(ctx context.Context, f *verdict.SessionFacts, seen past) (err error) {
	c, live := f.Container, f.Row.Kind == sessiondb.StatusLive
	if live && !c.Phase.Alive() {
		if f.Replacement, err = l.candidates.replacement(ctx, f.Row, c); err != nil {
			return err
		}
	}
	l.recall(f, seen)
	if live && c.Phase == dockerwatch.Gone {
		if f.Renamed, err = l.renamed(ctx, f.Row, seen.container); err != nil {
			return err
		}
		f.Held, f.Counted = l.breaker.Gone(f.CauseFor)
	}
	if f.Row.Kind == sessiondb.StatusEnded && c.Phase != dockerwatch.Gone {
		f.Others, err = l.OtherClaimants(ctx, f.Row, c)
	}
	return err
}

// recall adds what this process has seen of the session before.
func (l *Sessions) recall(f *verdict.SessionFacts, seen past) {
	claim, c := f.Row.Claim, f.Container
	switch {
	case c.Phase != dockerwatch.Gone:
		f.Evidence = l.history.Evidence(c.ID, c.StartedAt)
		f.SeenBefore = true
	case seen.container != "":
		f.Evidence = l.history.Evidence(seen.container, time.Time{})
		if !dockerwatch.ClaimsID(claim, seen.container) {
			f.Evidence = l.history.NameEvidence(claim, seen.container, seen.looked)
		}
		f.SeenBefore = true
	case dockerwatch.IsFullID(claim):
		// An id is never used again, so what was heard of it was heard of this claim, seen before or not.
		f.Evidence = l.history.Evidence(claim, time.Time{})
		f.SeenBefore = f.Evidence.Ended()
	}
	f.ClaimedFor, f.CauseFor = seen.claimedFor(f.Began), seen.causeFor(f.Cause(), f.Began)
}

// OtherClaimants returns the other rows that claim the container: by its id, or by its name where they are of this node
// or of none that is known. A name is another container's on another node, and the row's own claim is another one's
// where the container was renamed. The row itself is read again by the same query: when it changed since, the
// Look begins again.
func (l *Sessions) OtherClaimants(
	ctx context.Context, row sessiondb.Row, c dockerwatch.Observation,
) ([]sessiondb.Row, error) {
	rows, err := l.store.Claimants(ctx, append(dockerwatch.References(c.ID, c.Name), row.Claim))
	if err != nil {
		return nil, err
	}
	unchanged := false
	others := rows[:0]
	for _, r := range rows {
		switch {
		case r.ID != row.ID:
			named := dockerwatch.ClaimsName(r.Claim, c.Name) && (r.NodeNull || l.store.Serves(r))
			if named || dockerwatch.ClaimsID(r.Claim, c.ID) {
				others = append(others, r)
			}
		case r == row:
			unchanged = true
		}
	}
	if !unchanged {
		return nil, Conflict("session", row.ID)
	}
	return others, nil
}

// Conflict says that a row or container changed while it was looked at: look again.
func Conflict(kind, id string) error {
	return fmt.Errorf("%s %s changed while it was looked at: %w", kind, id, sessiondb.ErrConflict)
}
