package sweep

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// farAway is a database that has none of the rows and takes its time to say so.
type farAway struct {
	Store

	takes time.Duration
}

func (s farAway) Get(context.Context, string) (sessiondb.Row, error) {
	<-time.After(s.takes)
	return sessiondb.Row{}, sessiondb.ErrNotFound
}

// A sweep that takes minutes would be taken for a process that is stuck.
func TestAWrongDatabaseFarAwayIsReadInGoodTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const containers = 10_000
		s := New(Options{Store: farAway{takes: 100 * time.Millisecond}, Policy: verdict.DefaultPolicy()})
		began := time.Now()
		n, err := s.rowless(t.Context(), make([]dockerwatch.Owner, containers), verdict.Counts{Owned: containers})
		if err != nil || n != containers {
			t.Errorf("%d are rowless, want all: %v", n, err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("that took %s", took)
		}
	})
}
