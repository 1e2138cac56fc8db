package identity

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/session-controller/session-controller/controllers/internal/requests"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

// answering is an engine that answers every look in one way.
type answering struct {
	seen dockerwatch.Observation
	err  error
	// dropped counts how often connections were given up. If nil, they are not counted.
	dropped *int
}

func (a answering) Host() string { return "unix:///both" }

func (a answering) DropConnections() {
	if a.dropped != nil {
		*a.dropped++
	}
}

func (a answering) Info(context.Context) (dockerwatch.Info, error) { return dockerwatch.Info{}, a.err }

func (a answering) List(context.Context) (dockerwatch.Listing, error) {
	return dockerwatch.Listing{Engine: a.seen.Engine}, a.err
}

func (a answering) ListRunning(context.Context, dockerwatch.Ownership, string) (dockerwatch.Listing, error) {
	return dockerwatch.Listing{Engine: a.seen.Engine}, a.err
}

func (a answering) Observe(context.Context, string) (dockerwatch.Observation, error) {
	return a.seen, a.err
}

func TestOnlyAnswersOfTheServedEngineCount(t *testing.T) {
	t.Parallel()
	odd := errors.New("odd")
	for _, tt := range []struct {
		reason           string
		accepted, engine string
		err, want        error
	}{
		{"it is the one that is served", "one", "one@/", nil, nil},
		{"it is another one", "one", "other@/", nil, ErrNotTrusted},
		{"none is served", "", "one@/", nil, ErrNotTrusted},
		{"the look failed", "one", "", odd, odd},
	} {
		dropped := 0
		looked := answering{
			seen: dockerwatch.Observation{Phase: dockerwatch.Gone, Engine: tt.engine}, err: tt.err, dropped: &dropped,
		}
		guard := New(Options{Engine: looked, Requests: requests.New()})
		if tt.accepted != "" {
			accept(guard, dockerwatch.Info{ID: tt.accepted, RootDir: "/"})
		}
		seen, err := guard.Verified(looked).Observe(t.Context(), "web")
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.reason, err, tt.want)
		}
		for _, list := range []func() error{
			func() error { _, err := guard.Verified(looked).List(t.Context()); return err },
			func() error {
				_, err := guard.Verified(looked).ListRunning(t.Context(), dockerwatch.Ownership{}, "7")
				return err
			},
		} {
			if err := list(); !errors.Is(err, tt.want) {
				t.Errorf("%s: an empty list: %v, want %v", tt.reason, err, tt.want)
			}
		}
		if tt.want == ErrNotTrusted && seen.Phase != "" { //nolint:errorlint // the very same sentinel is meant
			t.Errorf("%s: it says %s", tt.reason, seen.Phase)
		}
		another := tt.accepted != "" && errors.Is(tt.want, ErrNotTrusted)
		if swept := taken(guard.requests.Sweeps()); swept != another || (dropped > 0) != another {
			t.Errorf("%s: asked for a sweep: %t, gave up connections %d times", tt.reason, swept, dropped)
		}
	}
}

// identified is an engine that says who it is.
type identified struct {
	answering

	info dockerwatch.Info
}

func (i identified) Info(context.Context) (dockerwatch.Info, error) { return i.info, nil }

// accept makes guard serve the engine that said this a moment ago.
func accept(guard *Guard, info dockerwatch.Info) {
	guard.accept(Introduction{info, reading{engine: info.Time, offset: info.Offset, local: time.Now()}})
}
