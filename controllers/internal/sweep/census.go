package sweep

import (
	"context"

	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// takeCensus counts what a first contact with an engine is judged by.
func takeCensus(ctx context.Context, store Store, containers *dockerwatch.Index) (identity.Census, error) {
	var c identity.Census
	for row, err := range store.Claiming(ctx) {
		if err != nil {
			return identity.Census{}, err
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
