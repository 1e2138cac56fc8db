package controllers

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// engineClock is the engine's clock: this machine's plus an offset that every sweep and every check of the engine's
// identity renews. Graces are measured on it, because FinishedAt and Created are the engine's. It is safe for
// concurrent use.
type engineClock struct {
	engine Engine
	last   atomic.Pointer[reading]
}

// reading is what the engine's clock said, and when by this machine's.
type reading struct {
	engine time.Time     // no later than it was at local
	offset time.Duration // of the wall clocks
	local  time.Time     // with this machine's monotonic clock
}

// now returns the engine's time. The first call asks the engine when no sweep has done so; nothing is decided on a
// clock that was never compared.
func (c *engineClock) now(ctx context.Context) (time.Time, error) {
	if last := c.last.Load(); last != nil {
		return last.now(time.Now()), nil
	}
	if _, err := c.renew(ctx); err != nil {
		return time.Time{}, err
	}
	return c.last.Load().now(time.Now()), nil
}

// now is the engine's time at local: the earlier of what the wall clock and the monotonic one make of it. A wall clock
// that was set forward since would make everything look old, and end every grace.
func (r reading) now(local time.Time) time.Time {
	wall, elapsed := local.Round(0).Add(r.offset), r.engine.Add(local.Sub(r.local))
	if elapsed.Before(wall) {
		return elapsed
	}
	return wall
}

// renew asks the engine what time it is, and who it is.
func (c *engineClock) renew(ctx context.Context) (dockerwatch.Info, error) {
	info, err := c.engine.Info(ctx)
	if err != nil {
		return dockerwatch.Info{}, err
	}
	c.last.Store(&reading{engine: info.Time, offset: info.Offset, local: time.Now()})
	return info, nil
}
