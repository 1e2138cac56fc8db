package e2e

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/session-controller/session-controller/controllers"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// hooks stand around every effect of a real store and a real engine, so that a test can put something between a look
// and the effect that follows it, or end the controller there.
type hooks struct {
	// before is called ahead of an effect ("fail", "pin", "release", "stop", "remove") and of the last look ahead of one
	// ("claimants"); an error is returned in its place.
	before func(effect string) error
	// after is called when the effect has happened; an error takes the place of its result.
	after func(effect string) error
}

func (h hooks) around(effect string, do func() error) error {
	if h.before != nil {
		if err := h.before(effect); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if h.after != nil {
		return h.after(effect)
	}
	return nil
}

type hookedStore struct {
	controllers.SessionStore
	hooks
}

func (s hookedStore) Fail(
	ctx context.Context, row sessiondb.Row, failure sessiondb.Failure,
) (now sessiondb.Row, err error) {
	err = s.around("fail", func() error { now, err = s.SessionStore.Fail(ctx, row, failure); return err })
	return now, err
}

func (s hookedStore) SetClaim(ctx context.Context, row sessiondb.Row, claim string) (now sessiondb.Row, err error) {
	err = s.around("pin", func() error { now, err = s.SessionStore.SetClaim(ctx, row, claim); return err })
	return now, err
}

func (s hookedStore) Release(ctx context.Context, row sessiondb.Row) (now sessiondb.Row, err error) {
	err = s.around("release", func() error { now, err = s.SessionStore.Release(ctx, row); return err })
	return now, err
}

func (s hookedStore) Claimants(ctx context.Context, claims []string) ([]sessiondb.Row, error) {
	if s.before != nil {
		if err := s.before("claimants"); err != nil {
			return nil, err
		}
	}
	return s.SessionStore.Claimants(ctx, claims)
}

type hookedEngine struct {
	controllers.Engine
	hooks
}

func (e hookedEngine) Stop(ctx context.Context, id string, grace time.Duration) error {
	return e.around("stop", func() error { return e.Engine.Stop(ctx, id, grace) })
}

func (e hookedEngine) Remove(ctx context.Context, id string, o dockerwatch.RemoveOptions) error {
	return e.around("remove", func() error { return e.Engine.Remove(ctx, id, o) })
}

// hooked returns the world's options with hooks around every effect.
func (w *world) hooked(h hooks) controllers.Options {
	o := w.opts
	o.Store, o.Engine = hookedStore{o.Store, h}, hookedEngine{o.Engine, h}
	return o
}

// once returns a hook that does something ahead of the first effect of that name.
func once(effect string, do func()) hooks {
	var first sync.Once
	return hooks{before: func(e string) error {
		if e == effect {
			first.Do(do)
		}
		return nil
	}}
}

var errDead = errors.New("the process is dead")

// mortal ends the controller at its nth effect: before it happens, or after it has happened and before anybody knows.
type mortal struct {
	n       int
	happens bool
	kill    context.CancelFunc

	mu   sync.Mutex
	met  int
	dead bool
}

func (m *mortal) hooks() hooks {
	return hooks{
		before: func(effect string) error {
			if effect == "claimants" {
				return nil
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			if !m.dead && m.met == m.n && !m.happens {
				m.die()
			}
			if m.dead {
				return errDead
			}
			return nil
		},
		after: func(string) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			if !m.dead && m.met == m.n {
				m.die()
			}
			m.met++
			if m.dead {
				return errDead
			}
			return nil
		},
	}
}

func (m *mortal) die() {
	m.dead = true
	m.kill()
}
