package sweep

import (
	"context"

	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// surveyClaims counts what a first contact with an engine is judged by.
func surveyClaims(ctx context.Context, store Store, containers *dockerwatch.Index) (identity.ClaimSurvey, error) {
	var c identity.ClaimSurvey
	for row, err := range store.Claiming(ctx) {
		if err != nil {
			return identity.ClaimSurvey{}, err
		}
		if row.Kind == sessiondb.StatusLive && dockerwatch.CheckReference(row.Claim) == nil {
			c.LiveClaims++
		}
		if containers.Find(row.Claim) != nil {
			c.Found++
		}
	}
	return c, nil
}
