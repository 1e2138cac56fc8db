package sessiondb

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The documents name these waits, and each is justified beside its field.
func TestTheWaitsOfProduction(t *testing.T) {
	t.Parallel()
	const second = time.Second
	want := Timing{
		Read: 5 * second, Write: 5 * second, Stream: 30 * second, Ping: 10 * second, Echo: 5 * second,
		FirstBackoff: 100 * time.Millisecond, MaxBackoff: 30 * second, TriggerCheck: 10 * second,
	}
	got := DefaultConfig().Timing.withDefaults()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for what, wait := range map[string]struct{ got, want time.Duration }{
		"a busy file":           {got.busy(), 4 * second},
		"a socket":              {got.socket(), 6 * second},
		"a listening socket":    {got.listen(), 25 * second},
		"a shorter write, busy": {Timing{Write: second}.withDefaults().busy(), 800 * time.Millisecond},
		"a longer write":        {Timing{Write: 10 * second}.withDefaults().socket(), 11 * second},
	} {
		if wait.got != wait.want {
			t.Errorf("%s has %v, want %v", what, wait.got, wait.want)
		}
	}
}
