package apply

import (
	"errors"
	"testing"
)

const (
	thisID  = "1111111111111111111111111111111111111111111111111111111111111111"
	otherID = "2222222222222222222222222222222222222222222222222222222222222222"
)

func TestALockIsOfOneContainer(t *testing.T) {
	t.Parallel()
	locks := newContainerLocks()
	unlock, err := locks.lock(thisID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locks.lock(thisID); !errors.Is(err, ErrBusy) {
		t.Errorf("the second one gets %v, want that it must wait", err)
	}
	unlockOther, err := locks.lock(otherID)
	if err != nil {
		t.Fatalf("another container has a lock of its own: %v", err)
	}
	unlockOther()
	unlock()
	unlock, err = locks.lock(thisID)
	if err != nil {
		t.Fatalf("it was given up: %v", err)
	}
	unlock()
	if len(locks.taken) != 0 {
		t.Errorf("%d locks are kept for no pass", len(locks.taken))
	}
}
