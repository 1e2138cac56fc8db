package verdict

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BreakerPolicy is the `policy.breaker` section: what would hit too many at once is more likely a disaster elsewhere.
type BreakerPolicy struct {
	// MaxFraction is the share above which it trips: of live sessions whose container is gone, or of owned containers
	// whose session has no row. Above 0; 1 means that it never trips.
	MaxFraction float64 `json:"maxFraction"`
	// MinSessions is how many live sessions, or owned containers, there must be for a share to mean anything; at least 1.
	MinSessions int `json:"minSessions"`
	// Hold is how long sessions whose container is gone are held. 0 means not at all.
	Hold metav1.Duration `json:"hold"`
}

// Counts is what a sweep counted for the breaker.
type Counts struct {
	// Live sessions claim something, and the containers of Gone of them are not listed.
	Live, Gone int
	// Owned containers could be removed as leaked, and the sessions of Rowless of them have no row.
	Owned, Rowless int
}

// TooManyGone reports whether the containers of too many live sessions are gone.
func (p BreakerPolicy) TooManyGone(c Counts) bool { return p.tooMany(c.Gone, c.Live) }

// TooManyRowless reports whether too many owned containers belong to sessions that have no row.
func (p BreakerPolicy) TooManyRowless(c Counts) bool { return p.tooMany(c.Rowless, c.Owned) }

func (p BreakerPolicy) tooMany(some, all int) bool {
	return all >= p.MinSessions && float64(some) > p.MaxFraction*float64(all)
}

// validate returns every problem, each one sentence that names the key.
func (p BreakerPolicy) validate() error {
	var problems []error
	if p.MaxFraction <= 0 || p.MaxFraction > 1 {
		problems = append(problems,
			fmt.Errorf("policy.breaker.maxFraction is %v: give a number above 0 and up to 1", p.MaxFraction))
	}
	if p.MinSessions < 1 {
		problems = append(problems, fmt.Errorf("policy.breaker.minSessions is %d: give a number from 1 on", p.MinSessions))
	}
	return errors.Join(problems...)
}
