package controllers

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
)

func TestWhatIsOpenWhenTheTimeIsOverIsSortedByWhatItIs(t *testing.T) {
	t.Parallel()
	due := Verdict{Action: Stop, Reason: SessionEnded}
	tests := []struct {
		reason string
		open   Outcome
		want   [3]int // pending, left, failed
	}{
		{"a grace that is not over is pending", Outcome{Verdict: Verdict{Action: Fail, Wait: time.Hour}}, [3]int{1, 0, 0}},
		{"a stop under way is left", Outcome{Verdict: due, Stopping: true}, [3]int{0, 1, 0}},
		{"a stop that waits for its turn is left, nothing failed", Outcome{Verdict: due, Err: errBusy}, [3]int{0, 1, 0}},
		{"a removal that the engine refuses for now is left", Outcome{Err: dockerwatch.ErrRefused}, [3]int{0, 1, 0}},
		{"a session that was never reached is left", Outcome{}, [3]int{0, 1, 0}},
		{"what could not be looked at has failed", Outcome{Err: errors.New("odd")}, [3]int{0, 0, 1}},
	}
	for _, tt := range tests {
		s := &once{open: map[SessionKey]Outcome{"s1": tt.open}}
		s.leave()
		got := [3]int{len(s.report.Pending), len(s.report.Left), len(s.report.Failed)}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.reason, diff)
		}
	}
}
