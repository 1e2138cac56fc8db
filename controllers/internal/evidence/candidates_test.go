package evidence

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// ids says of a table whether its ids are used again.
type ids struct {
	Store

	reusable bool
}

func (s ids) ReusableIDs() bool { return s.reusable }

func TestAContainerMayBeOfAnEarlierSession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason   string
		reusable bool
		created  time.Time
		want     bool
	}{
		{"ids are given once", false, time.Time{}, false},
		{"ids are used again and nobody knows when this one was", true, time.Time{}, true},
		{"the session is older than the container", true, ago(time.Second), false},
		{"the session is younger", true, noon.Add(time.Second), true},
		{"the session is younger, though ids are given once", false, noon.Add(time.Second), true},
	} {
		c := &candidates{store: ids{reusable: tt.reusable}}
		got := c.mayPredate(sessiondb.Row{CreatedAt: tt.created}, dockerwatch.Observation{Created: noon})
		if got != tt.want {
			t.Errorf("%s: %t", tt.reason, got)
		}
	}
}
