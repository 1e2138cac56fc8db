package engine_test

import (
	"os"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

func TestMain(m *testing.M) {
	testenv.Parallel(6) // the contract tests wait most of the time, for what a real engine does
	os.Exit(m.Run())
}
