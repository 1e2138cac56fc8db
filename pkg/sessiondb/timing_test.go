package sessiondb_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/sessiondb"
)

func TestAWaitThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason string
		timing sessiondb.Timing
		want   string // part of the sentence; empty when it is accepted
	}{
		{reason: "zero is the default", timing: sessiondb.Timing{}},
		{reason: "every wait can be given", timing: sessiondb.Timing{
			Read: 1, Write: 1, Stream: 1, Ping: 1, Echo: 1, FirstBackoff: 1, MaxBackoff: 1, TriggerCheck: 1,
		}},
		{reason: "a deadline in the past", timing: sessiondb.Timing{Read: -1}, want: "Timing.Read is -1ns"},
		{reason: "a deadline in the past", timing: sessiondb.Timing{Write: -1}, want: "Timing.Write is -1ns"},
		{reason: "a deadline in the past", timing: sessiondb.Timing{Stream: -1}, want: "Timing.Stream is -1ns"},
		{reason: "no ticker has such a period", timing: sessiondb.Timing{Ping: -1}, want: "Timing.Ping is -1ns"},
		{reason: "a deadline in the past", timing: sessiondb.Timing{Echo: -1}, want: "Timing.Echo is -1ns"},
		{reason: "a wait below none", timing: sessiondb.Timing{FirstBackoff: -1}, want: "Timing.FirstBackoff is -1ns"},
		{reason: "a wait below none", timing: sessiondb.Timing{MaxBackoff: -1}, want: "Timing.MaxBackoff is -1ns"},
		{reason: "a wait below none", timing: sessiondb.Timing{TriggerCheck: -1}, want: "Timing.TriggerCheck is -1ns"},
		{
			reason: "waits that grow cannot end below the first",
			timing: sessiondb.Timing{MaxBackoff: time.Millisecond},
			want:   "Timing.FirstBackoff is 100ms and MaxBackoff 1ms",
		},
	} {
		cfg := sessiondb.DefaultConfig()
		cfg.URL, cfg.Timing = "postgres://localhost/app", tc.timing
		err := cfg.Validate()
		if (err != nil) != (tc.want != "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %+v: %v, want %q", tc.reason, tc.timing, err, tc.want)
		}
	}
}

func TestAStreamEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	f := create(t, plainOf(t, "postgres/plain"))
	f.slow()
	f.config.Timing.Stream = 500 * time.Millisecond
	f.open()
	begun := time.Now()
	if _, err := collect(t.Context(), f.store); !errors.Is(err, sessiondb.ErrUnreachable) {
		t.Errorf("the stream ended with %v, want ErrUnreachable", err)
	}
	if took := time.Since(begun); took > 4*time.Second { // the socket would give up after 6 s
		t.Errorf("it took %v, want its own 500 ms", took)
	}
}
