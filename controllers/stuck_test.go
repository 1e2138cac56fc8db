package controllers

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/verdict"
)

func TestAStepThatTakesTooLongIsStuck(t *testing.T) {
	t.Parallel()
	p := newStuckDetector()
	end := p.begin(verdict.KindSession, "s1")
	p.begin(verdict.KindSession, "s2")()
	if err := p.stuck(time.Now().Add(stuckAfter - time.Second)); err != nil {
		t.Errorf("too early: %v", err)
	}
	if err := p.stuck(time.Now().Add(stuckAfter + time.Second)); err == nil {
		t.Error("a step that does not end is not noticed")
	}
	end()
	if err := p.stuck(time.Now().Add(time.Hour)); err != nil {
		t.Errorf("it has ended: %v", err)
	}
}
