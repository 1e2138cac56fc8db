package verdict

import (
	"testing"
	"time"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// The decisions are pure and made once per look: they must cost nothing beside it.
func BenchmarkDecideSession(b *testing.B) {
	p := DefaultPolicy()
	for name, f := range map[string]SessionFacts{
		"healthy": facts(sessiondb.StatusLive, dockerwatch.Observation{ID: thisID, Phase: dockerwatch.Running}),
		"exited":  facts(sessiondb.StatusLive, exited(time.Hour)),
		"ended":   facts(sessiondb.StatusEnded, dockerwatch.Observation{ID: thisID, Phase: dockerwatch.Running}),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				DecideSession(p, f)
			}
		})
	}
}

func BenchmarkDecideContainer(b *testing.B) {
	p, f := DefaultPolicy(), unclaimed()
	b.ReportAllocs()
	for b.Loop() {
		DecideContainer(p, f)
	}
}
