package rig_test

import (
	"testing"

	"github.com/session-controller/session-controller/test/rig"
)

func TestValueOf(t *testing.T) {
	t.Parallel()

	const text = `# HELP go_goroutines Number of goroutines that currently exist.
# TYPE go_goroutines gauge
go_goroutines 61
go_goroutines_created 9
go_gc_heap_live_bytes 7.654321e+06
go_info{version="go1.26"} 1
VmRSS:	   58364 kB
Odd: many
`

	cases := map[string]struct {
		reason string
		name   string
		want   float64
	}{
		"metric":     {"a comment is none, and neither is a longer name", "go_goroutines", 61},
		"exponent":   {"large figures come so", "go_gc_heap_live_bytes", 7654321},
		"status":     {"the unit is not read", "VmRSS:", 58364},
		"labels":     {"with labels the name is longer", "go_info", 0},
		"labelled":   {"and so it can be named", `go_info{version="go1.26"}`, 1},
		"absent":     {"there is none", "process_open_fds", 0},
		"not a sum":  {"it is no number", "Odd:", 0},
		"empty name": {"no line begins with nothing", "", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := rig.ValueOf(text, tc.name); got != tc.want {
				t.Errorf("value of %q is %v, want %v: %s", tc.name, got, tc.want, tc.reason)
			}
		})
	}
}
