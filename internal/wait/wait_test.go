package wait_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/session-controller/session-controller/internal/wait"
)

func TestForEndsWithWhateverComesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		woken := make(chan struct{}, 1)
		woken <- struct{}{}
		ended, end := context.WithCancel(t.Context())
		end()
		for _, tt := range []struct {
			reason string
			ctx    context.Context //nolint:containedctx // a case of the table
			d      time.Duration
			wake   chan struct{}
			want   time.Duration
		}{
			{"the time passes", t.Context(), time.Minute, nil, time.Minute},
			{"a request waits", t.Context(), time.Minute, woken, 0},
			{"the context has ended", ended, time.Minute, nil, 0},
			{"there is nothing to wait for", t.Context(), 0, nil, 0},
			{"a wait that is over already", t.Context(), -time.Second, nil, 0},
		} {
			began := time.Now()
			if wait.For(tt.ctx, tt.d, tt.wake); time.Since(began) != tt.want {
				t.Errorf("%s: waited %s, want %s", tt.reason, time.Since(began), tt.want)
			}
		}
	})
}

func TestABackoffDoublesUpToItsLimit(t *testing.T) {
	t.Parallel()
	b := wait.Backoff{First: 100 * time.Millisecond}
	for round := range 2 {
		for n, milliseconds := range []int{100, 200, 400, 800, 1000, 1000} {
			longest := time.Duration(milliseconds) * time.Millisecond
			if got := b.Next(time.Second); got < longest/2 || got > longest {
				t.Errorf("round %d, failure %d: %s, want between %s and %s", round, n+1, got, longest/2, longest)
			}
		}
		for range 1000 { // and no overflow
			if got := b.Next(time.Second); got < time.Second/2 || got > time.Second {
				t.Fatalf("%s after many failures", got)
			}
		}
		b.Reset()
	}
	if got := b.Next(0); got != 0 {
		t.Errorf("with no time to wait it is %s", got)
	}
}

func TestSpreadStaysWithinATenth(t *testing.T) {
	t.Parallel()
	for range 1000 {
		if got := wait.Spread(time.Minute); got < 54*time.Second || got > 66*time.Second {
			t.Fatalf("%s of a minute", got)
		}
	}
	if got := wait.Spread(1); got != 1 {
		t.Errorf("%d ns of one", got)
	}
}
