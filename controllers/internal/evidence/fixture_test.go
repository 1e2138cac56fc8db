package evidence

import (
	"context"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/session-controller/session-controller/controllers/internal/breaker"
	"github.com/session-controller/session-controller/controllers/internal/identity"
	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

const (
	thisID  = "1111111111111111111111111111111111111111111111111111111111111111"
	otherID = "2222222222222222222222222222222222222222222222222222222222222222"
	session = "s1"
)

// noon is the engine's clock.
var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// pass lets virtual time pass.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual time
}

// identified is an engine that says who it is, and answers every look in one way.
type identified struct {
	seen dockerwatch.Observation
	info dockerwatch.Info
}

func (i identified) Host() string { return "unix:///this" }

func (i identified) DropConnections() {}

func (i identified) Info(context.Context) (dockerwatch.Info, error) { return i.info, nil }

func (i identified) List(context.Context) (dockerwatch.Listing, error) {
	return dockerwatch.Listing{Engine: i.info.Identity()}, nil
}

func (i identified) ListRunning(context.Context, dockerwatch.Ownership, string) (dockerwatch.Listing, error) {
	return dockerwatch.Listing{Engine: i.info.Identity()}, nil
}

func (i identified) Observe(context.Context, string) (dockerwatch.Observation, error) {
	seen := i.seen
	seen.Engine = i.info.Identity()
	return seen, nil
}

// looks are the looks at an engine and a table of a test's own.
type looks struct {
	Options

	sessions   *Sessions
	containers *Containers
	events     *dockerwatch.History
}

// newLooks fills in what a test leaves out of o. The engine must say who it is, and is served.
func newLooks(t *testing.T, o Options) *looks {
	t.Helper()
	engine, says := o.Engine.(identity.Engine)
	if !says {
		t.Fatalf("%T does not say who it is", o.Engine)
	}
	l := &looks{events: dockerwatch.NewHistory()}
	o.Guard = identity.New(identity.Options{Engine: engine, Requests: requests.New(), Log: logr.Discard()})
	o.Engine = o.Guard.Verified(o.Engine)
	o.Breaker = breaker.New(breaker.Options{Policy: o.Policy.Breaker, Log: logr.Discard()})
	o.History, o.SessionTracker, o.ContainerTracker = l.events, NewSessionTracker(), NewContainerTracker()
	l.Options = o
	l.sessions, l.containers = New(o)
	who, err := identity.Introduce(t.Context(), engine)
	if err != nil {
		t.Fatal(err)
	}
	none := func() (identity.ClaimSurvey, error) { return identity.ClaimSurvey{}, nil }
	if err := o.Guard.Admit(t.Context(), who, none); err != nil {
		t.Fatal(err)
	}
	return l
}
