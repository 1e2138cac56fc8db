package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	idA = strings.Repeat("a", 64)
	idB = strings.Repeat("b", 64)
)

func TestDrift(t *testing.T) {
	t.Parallel()

	running := box{idA, "one", "running"}
	cases := map[string]struct {
		reason string
		sight  sight
		want   []string
	}{
		"nothing": {"no row and no container agree", sight{}, nil},
		"full id": {"a claim may be a full id", sight{[]row{{"1", "ACTIVE", idA}}, []box{running}}, nil},
		"short":   {"or a short one", sight{[]row{{"1", "IDLE", idA[:12]}}, []box{running}}, nil},
		"name":    {"or a name", sight{[]row{{"1", "ACTIVE", "one"}}, []box{running}}, nil},
		"shared": {
			"two sessions may share a container",
			sight{[]row{{"1", "IDLE", "one"}, {"2", "IDLE", idA}}, []box{running}}, nil,
		},
		"ended": {"what has ended claims nothing", sight{[]row{{"1", "ERROR", ""}, {"2", "TERMINATED", ""}}, nil}, nil},
		"too short": {
			"eleven characters stand for no container",
			sight{[]row{{"1", "ACTIVE", idA[:11]}}, []box{running}},
			[]string{
				"session 1 is ACTIVE and its container aaaaaaaaaaa is gone",
				"container one (aaaaaaaaaaaa) is claimed by no session",
			},
		},
		"crashed": {
			"its row says ACTIVE and it answers nothing",
			sight{[]row{{"1", "ACTIVE", "one"}}, []box{{idA, "one", "exited"}}},
			[]string{"session 1 is ACTIVE and its container one is exited"},
		},
		"gone": {
			"the same", sight{[]row{{"1", "IDLE", "one"}}, nil},
			[]string{"session 1 is IDLE and its container one is gone"},
		},
		"unsaved": {
			"a live session without a claim, and its container",
			sight{[]row{{"1", "ACTIVE", ""}}, []box{running}},
			[]string{"session 1 is ACTIVE and claims nothing", "container one (aaaaaaaaaaaa) is claimed by no session"},
		},
		"ended with its container": {
			"it must be removed, and the claim released",
			sight{[]row{{"1", "TERMINATED", idB}}, []box{{idB, "two", "running"}}},
			[]string{"session 1 is TERMINATED and claims " + idB},
		},
		"ended without": {
			"the claim must be released", sight{[]row{{"1", "ERROR", "two"}}, nil},
			[]string{"session 1 is ERROR and claims two"},
		},
		"unknown status": {
			"the server writes none", sight{[]row{{"1", "PAUSED", "one"}}, nil}, []string{"session 1 is PAUSED and claims one"},
		},
		"leaked": {
			"stopped or not", sight{nil, []box{{idB, "two", "exited"}}},
			[]string{"container two (bbbbbbbbbbbb) is claimed by no session"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if diff := cmp.Diff(tc.want, tc.sight.drift()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestHarmAndAdoption(t *testing.T) {
	t.Parallel()

	one := session{id: "1", claim: "one", container: idA}
	runs := []box{{idA, "one", "running"}}
	cases := map[string]struct {
		reason   string
		sight    sight
		harm     string
		adoption adoption
	}{
		"well": {"as the server saved it", sight{[]row{{"1", "ACTIVE", "one"}}, runs}, "", adoptionPending},
		"adopted": {
			"it claims the full id now", sight{[]row{{"1", "ACTIVE", idA}}, runs}, `where "one" was saved`, adoptionDone,
		},
		"no row":   {"nobody deleted it", sight{nil, runs}, "its row is gone", adoptionFailed},
		"failed":   {"nobody ended it", sight{[]row{{"1", "ERROR", "one"}}, runs}, "says ERROR", adoptionFailed},
		"released": {"nobody cleared it", sight{[]row{{"1", "IDLE", ""}}, runs}, "claims \"\"", adoptionPending},
		"removed":  {"nobody removed it", sight{[]row{{"1", "IDLE", "one"}}, nil}, "is gone", adoptionFailed},
		"stopped": {
			"nobody stopped it", sight{[]row{{"1", "IDLE", "one"}}, []box{{idA, "one", "exited"}}}, "is exited", adoptionFailed,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got := tc.sight.harm(one)
			if (got == "") != (tc.harm == "") || !strings.Contains(got, tc.harm) {
				t.Errorf("harm %q, want one that contains %q: %s", got, tc.harm, tc.reason)
			}

			if got := tc.sight.adoption(one); got != tc.adoption {
				t.Errorf("adoption is %v, want %v: %s", got, tc.adoption, tc.reason)
			}
		})
	}
}
