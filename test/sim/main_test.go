package sim

import (
	"flag"
	"os"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime/pkg/log"
)

// How many worlds are played where nobody says: with the race detector each takes some ten times as long.
const (
	defaultRuns = "200"
	racingRuns  = "40"
)

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if runs := defaultRuns; !given {
		if racing {
			runs = racingRuns
		}
		if err := flag.Set("rapid.checks", runs); err != nil {
			panic(err)
		}
	}
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}
