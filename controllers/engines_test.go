package controllers

import (
	"context"
	"testing"

	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// answering is an engine that answers every look in one way.
type answering struct {
	Engine

	seen dockerwatch.Observation
	err  error
}

func (a answering) Host() string { return "unix:///both" }

func (a answering) DropIdle() {}

func (a answering) List(context.Context) (dockerwatch.Listing, error) {
	return dockerwatch.Listing{Engine: a.seen.Engine}, a.err
}

func (a answering) ListRunning(context.Context, dockerwatch.Ownership, string) (dockerwatch.Listing, error) {
	return dockerwatch.Listing{Engine: a.seen.Engine}, a.err
}

func (a answering) Observe(context.Context, string) (dockerwatch.Observation, error) {
	return a.seen, a.err
}

// identified is an engine that says who it is.
type identified struct {
	answering

	info dockerwatch.Info
}

func (i identified) Info(context.Context) (dockerwatch.Info, error) { return i.info, nil }

// accept makes guard serve the engine that says this.
func accept(t *testing.T, guard *identity.Guard, info dockerwatch.Info) {
	t.Helper()
	who, err := identity.Introduce(t.Context(), identified{info: info})
	if err != nil {
		t.Fatal(err)
	}
	none := func() (identity.Census, error) { return identity.Census{}, nil }
	if err := guard.Admit(t.Context(), who, none); err != nil {
		t.Fatal(err)
	}
}
