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

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// wedged are sessions whose containers' inspects hang until their deadline, all but the session "fine".
type wedged struct{ *sessionSubject }

func (wedged) look(_ context.Context, key SessionKey) (Facts, error) {
	if key == "fine" {
		return Facts{}, nil
	}
	time.Sleep(5 * time.Second) //nolint:forbidigo // synctest's
	return Facts{LookFailed: true}, fmt.Errorf("inspect: %w", dockerwatch.ErrTimeout)
}

func TestContainersThatHangHoldAQuarterOfTheWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const workers = 4
		r := newReconciler(kindSession, wedged{&sessionSubject{memory: newMemory()}}, workers, nil, logr.Discard())
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
