package controllers

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// engineClock is the engine's clock: this machine's plus an offset that every sweep renews. Graces are measured on it,
// because FinishedAt and Created are the engine's. It is safe for concurrent use.
type engineClock struct {
	engine Engine
	offset atomic.Pointer[time.Duration]
}

// now returns the engine's time. The first call asks the engine when no sweep has done so; nothing is decided on a
// clock that was never compared.
func (c *engineClock) now(ctx context.Context) (time.Time, error) {
	if off := c.offset.Load(); off != nil {
		return time.Now().Add(*off), nil
	}
	if _, err := c.renew(ctx); err != nil {
		return time.Time{}, err
	}
	return time.Now().Add(*c.offset.Load()), nil
}

// renew asks the engine what time it is, and who it is.
func (c *engineClock) renew(ctx context.Context) (dockerwatch.Info, error) {
	info, err := c.engine.Info(ctx)
	if err != nil {
		return dockerwatch.Info{}, err
	}
	c.offset.Store(&info.Offset)
	return info, nil
}
