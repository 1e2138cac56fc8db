package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// servers is how many do something at the same time. Two cores make about three containers in a second, and take as
	// many down.
	servers = 3
	// aim is how many sessions are alive at the most. With less than half of it, nothing more happens to them.
	aim = 12
	// mostContainers bounds what there is at once, dying and leaked ones included.
	mostContainers = 20
	// residents live as long as the run.
	residents = 3
	// actionTimeout bounds what a server does to one session; a busy machine takes a second.
	actionTimeout = 60 * time.Second
	// serverLimit is what a server may take from the first call to the last: half of the graces that it has. One that
	// takes longer has broken its side, and nothing is promised to its session.
	serverLimit = patientGrace / 2
)

// server is a session server and everybody else who touches its containers.
type server struct {
	db     *database
	engine *engine
	books  *books
}

// troubles are what may happen to a session that is well, with how often.
func (s *server) troubles() []way {
	whichever := func(session) bool { return true }
	// A name owns one container of a session, so only labelled ones can have two.
	labelled := func(is session) bool { return is.labelled }
	// While an old one still runs, nobody could tell which of the two is to live when the claimed one dies.
	alone := func(is session) bool { return !is.crowded }

	return []way{
		{20, s.upon(whichever, s.rename)},
		{14, s.upon(whichever, s.end)},
		{8, s.upon(whichever, s.closeWell)},
		{12, s.upon(whichever, s.remove)},
		{12, s.upon(alone, s.kill)},
		{8, s.upon(alone, s.tearDown)},
		{10, s.upon(labelled, s.respawn)},
		{16, s.upon(func(is session) bool { return labelled(is) && alone(is) }, s.replace)},
	}
}

// openings are the ways in which a session begins, with how often.
func (s *server) openings() []way {
	return []way{
		{50, func(ctx context.Context) error { return s.open(ctx, false) }},
		{14, s.doomed},
		{8, s.leak},
		{12, s.unsaved},
		{3, s.neverMade},
		{3, s.neverStarted},
		{10, s.revive},
	}
}

// way is something to do, with a weight among others.
type way struct {
	weight int
	do     func(context.Context) error
}

func choose(ways []way) func(context.Context) error {
	total := 0
	for _, w := range ways {
		total += w.weight
	}

	n := rand.IntN(total)
	for _, w := range ways {
		if n -= w.weight; n < 0 {
			return w.do
		}
	}

	return ways[0].do
}

// upon does something to one of the sessions that are well; nothing, where none fits.
func (s *server) upon(fits func(session) bool, do func(context.Context, session) error) func(context.Context) error {
	return func(ctx context.Context) error {
		is, ok := s.books.take(fits)
		if !ok {
			return nil
		}

		return s.abandonAfter(ctx, is.id, do(ctx, is))
	}
}

// serve does one thing after another until ctx ends. What has been begun is finished: half of it would be drift that
// nobody meant.
func (s *server) serve(ctx context.Context) {
	for pause(ctx, time.Duration(100+rand.IntN(400))*time.Millisecond) {
		s.act(context.WithoutCancel(ctx))
	}
}

func (s *server) act(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, actionTimeout)
	defer cancel()

	now := s.books.copied()
	alive := len(now.well) + len(now.waiting)

	var ways []way

	switch {
	case alive < aim && s.engine.count.Load() < mostContainers:
		ways = s.openings()
	case alive > aim/2:
		ways = s.troubles()
	default:
		return // dying and leaked containers take up the room, until their graces are over
	}

	if err := choose(ways)(ctx); err != nil {
		s.books.failed(err)
	}
}

// settleIn opens the sessions that nobody will ever touch.
func (s *server) settleIn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actionTimeout)
	defer cancel()

	for range residents {
		if err := s.open(ctx, true); err != nil {
			return fmt.Errorf("open the first sessions: %w", err)
		}
	}

	return nil
}

// abandonAfter is abandon where something went wrong.
func (s *server) abandonAfter(ctx context.Context, id string, err error) error {
	if err == nil {
		return nil
	}

	return s.abandon(ctx, id, err)
}

// abandon ends a session that the server has made a mess of: the controller clears up behind it.
func (s *server) abandon(ctx context.Context, id string, err error) error {
	_, ending := s.db.hit(ctx, "UPDATE sessions SET status = 'TERMINATED' WHERE id = $1", id)

	return errors.Join(err, ending)
}
