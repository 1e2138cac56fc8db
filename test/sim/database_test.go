package sim

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// databaseFaults is what is wrong between the controllers and the database.
type databaseFaults struct {
	mu          sync.Mutex
	down, hangs bool
	lost        int // writes whose answer is lost
}

func (f *databaseFaults) goWrong(w *world, s step, lasts time.Duration) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch s.kind {
	case "database down":
		f.down = true
		w.later(lasts, func() { f.heal() })
	case "database hangs":
		f.hangs = true
		w.later(lasts, func() { f.heal() })
	case "database loses answers":
		f.lost = 1 + s.a%3
	default:
		return false
	}
	w.sayf("database: %s, %s", s.kind, lasts)
	return true
}

func (f *databaseFaults) heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down, f.hangs = false, false
}

// call is what a call to the database meets: nil, or that it could not be reached.
func (f *databaseFaults) call(ctx context.Context, operation string) error {
	f.mu.Lock()
	down, hangs := f.down, f.hangs
	f.mu.Unlock()
	if hangs {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		<-ctx.Done()
	}
	if down || hangs {
		return fmt.Errorf("%s: %w", operation, sessiondb.ErrUnreachable)
	}
	return nil
}

// loses reports whether the answer to a write is lost.
func (f *databaseFaults) loses() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lost == 0 {
		return false
	}
	f.lost--
	return true
}
