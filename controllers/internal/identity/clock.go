package identity

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// clock is the engine's clock: this machine's plus an offset that every sweep renews. Graces are measured on it,
// because FinishedAt and Created are the engine's. Only the engine that is served sets it: another one that answers in
// its place may have another time. It is safe for concurrent use.
type clock struct {
	last atomic.Pointer[reading]
}

// Introduction is what an engine said of itself, and the time that it had.
type Introduction struct {
	dockerwatch.Info

	clock reading
}

// Introduce asks the engine that answers who it is and what time it has.
func Introduce(ctx context.Context, engine interface {
	Info(ctx context.Context) (dockerwatch.Info, error)
}) (Introduction, error) {
	info, err := engine.Info(ctx)
	if err != nil {
		return Introduction{}, err
	}
	return Introduction{info, reading{engine: info.Time, offset: info.Offset, local: time.Now()}}, nil
}

// reading is what the engine's clock said, and when by this machine's.
type reading struct {
	engine time.Time     // no later than it was at local
	offset time.Duration // of the wall clocks
	local  time.Time     // with this machine's monotonic clock
}

// now returns the engine's time. Nothing is decided on a clock that was never compared: that is an error.
func (c *clock) now() (time.Time, error) {
	last := c.last.Load()
	if last == nil {
		return time.Time{}, errNoSweepYet
	}
	return last.now(time.Now()), nil
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

// set is called with what the engine that is served said. It reports whether the engine's clock was set since the last
// call: it is not where the time elapsed since then puts it.
func (c *clock) set(r reading) (jumped bool) {
	last := c.last.Swap(&r)
	return last != nil && dockerwatch.ClockWasSet(last.engine, r.engine, r.local.Sub(last.local))
}
