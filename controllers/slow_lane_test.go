package controllers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// wedged are sessions whose containers' inspects hang until their deadline, all but the session "fine".
type wedged struct{ *sessionSubject }

func (wedged) look(_ context.Context, key verdict.SessionKey) (verdict.SessionFacts, error) {
	if key == "fine" {
		return verdict.SessionFacts{}, nil
	}
	time.Sleep(5 * time.Second) //nolint:forbidigo // synctest's
	return verdict.SessionFacts{LookFailed: true}, fmt.Errorf("inspect: %w", dockerwatch.ErrTimeout)
}

func TestContainersThatHangHoldAQuarterOfTheWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers = 4
		subject := wedged{newSubject()}
		r := newReconciler(verdict.KindSession, subject, newSlowLane[verdict.SessionKey](workers), backoffCap, noQueue{},
			newPassRecorder(nil), requests.New(),
			logr.Discard())
		for n := range workers {
			go r.pass(t.Context(), SessionKey(strconv.Itoa(n)))
		}
		time.Sleep(6 * time.Second) //nolint:forbidigo // all have hung once
		turned := make(chan error, workers)
		for n := range workers {
			go func() { turned <- r.pass(t.Context(), SessionKey(strconv.Itoa(n))).Err }()
		}
		synctest.Wait()
		if len(turned) != workers-1 {
			t.Errorf("%d of %d that hang were sent away at once, want all but one", len(turned), workers)
		}
		began := time.Now()
		if out := r.pass(t.Context(), "fine"); out.Err != nil || time.Since(began) != 0 {
			t.Errorf("one that answers waited %s, %v", time.Since(began), out.Err)
		}
		for range workers - 1 {
			if err := <-turned; !errors.Is(err, errSlowLaneFull) {
				t.Errorf("sent away with %v", err)
			}
		}
		if err := <-turned; !errors.Is(err, dockerwatch.ErrTimeout) {
			t.Errorf("the one that was let in ended with %v", err)
		}
	})
}

// When the whole engine has hung there may be thousands of keys, and each must not wait for its own backoff.
func TestThoseWhoWereTurnedAwayAreCalledInAfterOneThatIsAnswered(t *testing.T) {
	t.Parallel()
	const keys = 50
	lane := newSlowLane[int](1)
	for key := range keys {
		leave, _ := lane.enter(key)
		leave(true)
	}
	first, ok := lane.enter(0)
	if !ok {
		t.Fatal("the first is not let in")
	}
	for key := 1; key < keys; key++ {
		if _, ok := lane.enter(key); ok {
			t.Fatalf("key %d is let in beside the first", key)
		}
	}
	seen := map[int]bool{0: true}
	for called := first(false); len(called) > 0; {
		key := called[0]
		leave, ok := lane.enter(key)
		if !ok {
			t.Fatalf("key %d is called in and turned away", key)
		}
		for _, other := range called[1:] { // it finds the one place taken, and has to be called again
			if _, ok := lane.enter(other); ok {
				t.Fatalf("key %d is let in beside key %d", other, key)
			}
		}
		seen[key] = true
		called = leave(false)
	}
	if len(seen) != keys {
		t.Errorf("%d of %d keys had their turn", len(seen), keys)
	}

	leave, _ := lane.enter(1)
	leave(true)
	leave, _ = lane.enter(1)
	if _, ok := lane.enter(1); ok {
		t.Fatal("a second pass is let in")
	}
	if called := leave(true); len(called) > 0 {
		t.Errorf("%v are called in after one that hangs", called)
	}
}

func TestForgivenKeysAreLetInBesideEachOther(t *testing.T) {
	t.Parallel()
	const keys = 5
	lane := newSlowLane[int](1)
	for key := range keys {
		leave, _ := lane.enter(key)
		leave(true)
	}
	if _, ok := lane.enter(0); !ok {
		t.Fatal("the first is not let in")
	}
	lane.forgive()
	for key := 1; key < keys; key++ {
		leave, ok := lane.enter(key)
		if !ok {
			t.Fatalf("key %d is turned away", key)
		}
		leave(true)
	}
	if _, ok := lane.enter(1); ok {
		t.Error("one that hung again is let in beside the first")
	}
}
