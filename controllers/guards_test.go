package controllers

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

func TestTheSlowLaneIsAQuarterOfTheWorkers(t *testing.T) {
	t.Parallel()
	l := newSlowLane[verdict.SessionKey](8)
	for _, key := range []verdict.SessionKey{"a", "b", "c"} {
		leave, ok := l.enter(key)
		if !ok {
			t.Fatalf("%s has not hung yet and is not let in", key)
		}
		leave(true)
	}
	leaveA, okA := l.enter("a")
	_, okB := l.enter("b")
	_, okC := l.enter("c")
	_, okD := l.enter("d")
	if !okA || !okB || okC || !okD {
		t.Errorf("let in: %t %t %t %t, want two of those that hung, and the one that did not", okA, okB, okC, okD)
	}
	leaveA(false)
	leaveC, ok := l.enter("c")
	if !ok {
		t.Fatal("c has waited for its turn in vain")
	}
	leaveC(false)
	if _, ok := l.enter("a"); !ok {
		t.Error("a answered and is still taken for slow")
	}
	if one := newSlowLane[verdict.SessionKey](1); one.width != 1 {
		t.Errorf("of one worker %d are for slow keys", one.width)
	}
}

func TestEveryConnectionOfTheStreamAndEveryLossForgetTheCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Policy: verdict.DefaultPolicy(), Engine: nowhere{}, Log: logr.Discard()}, nil)
		c.loop = newSweepLoop(c.core, nil, nil)
		handlers := c.handlers(&eventTrigger{})
		for _, happens := range []func(){
			func() { handlers.Connected("A@/", true) },
			func() { handlers.Disconnected(errors.New("broken")) },
		} {
			pass(time.Second)
			c.breaker.Counted(time.Now(), verdict.Counts{})
			if _, counted := c.breaker.Gone(0); !counted {
				t.Fatal("a sweep has counted, and that is not known")
			}
			pass(time.Second)
			happens()
			if _, counted := c.breaker.Gone(0); counted {
				t.Error("a count from before is believed")
			}
		}
	})
}

// nowhere is an engine that is only asked where it is.
type nowhere struct{ Engine }

func (nowhere) Host() string { return "nowhere" }

func (nowhere) DropConnections() {}
