package sweep

import (
	"time"

	"github.com/session-controller/session-controller/controllers/internal/metrics"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

// Result is what one sweep counted.
type Result struct {
	// Rows claim something; Containers are on the engine, ours or not.
	Rows, Containers int
	// Healthy, Held, Invalid and Foreign rows were left alone; Adrift ones were nominated for a look.
	Healthy, Held, Invalid, Taken, Foreign, Adrift int
	// Unclaimed containers are owned and no row that was met claims them. Owned are all that are owned, ForeignClaimed
	// those that are not and that a row claims.
	Unclaimed, Owned, ForeignClaimed int
	// Statuses counts the rows by status, those aside that the configuration does not know.
	Statuses map[string]int
	// Unconfirmed rows are live and claim a listed container by its name for the first time: whether they mean that one,
	// or one that is about to get the name, the next sweep knows.
	Unconfirmed int
	// Took is how long it took.
	Took time.Duration

	counts verdict.Counts
}

// LeftAlone are the counts that should be zero and do not change by themselves: people have to look into them.
func (s Result) LeftAlone() [4]int { return [...]int{s.Held, s.Invalid, s.Taken, s.Foreign} }

// shown is what the gauges show of it.
func (s Result) shown() metrics.Sweep {
	return metrics.Sweep{
		Took: s.Took, Statuses: s.Statuses, Live: s.counts.Live, UnknownStatus: s.Held, Invalid: s.Invalid, Taken: s.Taken,
		Foreign: s.Foreign, Containers: s.Containers, Owned: s.Owned, Unclaimed: s.Unclaimed,
		ForeignClaimed: s.ForeignClaimed,
	}
}
