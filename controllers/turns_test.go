package controllers

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestTurnsAreOfOneContainerEach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		leave, err := turns.take(t.Context(), thisID)
		if err != nil {
			t.Fatal(err)
		}
		other, err := turns.take(t.Context(), otherID)
		if err != nil {
			t.Fatal(err)
		}
		other()
		order := make(chan string, 2)
		go func() {
			mine, err := turns.take(t.Context(), thisID)
			if err != nil {
				t.Error(err)
				return
			}
			order <- "second"
			mine()
		}()
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := turns.take(gone, thisID); !errors.Is(err, context.Canceled) {
			t.Errorf("who gives up waiting is told %v", err)
		}
		synctest.Wait()
		order <- "first"
		leave()
		if <-order != "first" || <-order != "second" {
			t.Error("two had the turn at once")
		}
		synctest.Wait()
		if len(turns.taken) != 0 {
			t.Errorf("%d turns are remembered for nobody", len(turns.taken))
		}
	})
}
