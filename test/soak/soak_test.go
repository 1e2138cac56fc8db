package main

import (
	"strings"
	"testing"
	"time"

	"github.com/session-controller/session-controller/test/rig"
)

func TestVerdict(t *testing.T) {
	t.Parallel()

	const moment = settleLimit + time.Second

	well := make([]figures, parts)
	cases := map[string]struct {
		reason  string
		samples []figures
		longest aged
		found   pages
		left    []string
		want    string
	}{
		"well": {"nothing grew, nothing is left, nobody was harmed", well, aged{"A", settleLimit}, pages{}, nil, ""},
		"one sample": {
			"growth cannot be told", well[:1], aged{}, pages{}, nil, "there are too few samples to tell growth",
		},
		"grown": {
			"a hundred files more", []figures{{}, {}, {}, {}, {files: 100}}, aged{}, pages{}, nil,
			"open files of the controller grew from 0 to 100",
		},
		"left": {
			"it has lasted too long as well, and is told once", well, aged{"A", moment}, pages{}, []string{"A"},
			"1 rows or containers still disagree 1m30s after the last trouble, first of all: A",
		},
		"over": {
			"it ended before the run did, and lasted too long all the same", well, aged{"A", moment}, pages{}, nil,
			"a disagreement lasted 1m31s before it ended, and nothing may take longer than 1m30s: A",
		},
		"waiting": {
			"its container runs and is claimed by nobody", well, aged{},
			pages{waiting: map[string]session{"1": {id: "1"}}}, nil, "1 live sessions still wait",
		},
		"harmed": {
			"nobody did anything to it", well, aged{}, pages{harmed: []harmed{{"1", "its row is gone"}}}, nil,
			"1 healthy sessions were harmed, first of all 1: its row is gone",
		},
		"idle": {
			"too little happened", well, aged{}, pages{counts: map[string]int{"opened": fewest - 1}}, nil,
			"only 9 sessions could be opened",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if tc.found.counts == nil {
				tc.found.counts = map[string]int{"opened": fewest}
			}

			w := newWatcher(nil, &rig.Controller{})
			w.samples, w.longest = tc.samples, tc.longest

			got := ""
			if err := verdict(w, tc.found, tc.left); err != nil {
				got = err.Error()
			}

			if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
				t.Errorf("verdict %q, want one that contains %q: %s", got, tc.want, tc.reason)
			}

			if len(tc.left) > 0 && strings.Contains(got, "lasted") {
				t.Errorf("verdict %q tells twice of what is left", got)
			}
		})
	}
}
