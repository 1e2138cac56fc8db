package controllers

import (
	"errors"
	"testing"
)

func TestTurnsAreOfOneContainerEach(t *testing.T) {
	t.Parallel()
	turns := newTurns()
	leave, err := turns.take(thisID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := turns.take(thisID); !errors.Is(err, errBusy) {
		t.Errorf("the second one is told %v, want that it must wait", err)
	}
	other, err := turns.take(otherID)
	if err != nil {
		t.Fatalf("another container has a turn of its own: %v", err)
	}
	other()
	leave()
	again, err := turns.take(thisID)
	if err != nil {
		t.Fatalf("it was given up: %v", err)
	}
	again()
	if len(turns.taken) != 0 {
		t.Errorf("%d turns are remembered for nobody", len(turns.taken))
	}
}
