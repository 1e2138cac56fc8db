package dockerwatch_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestMain fails the package when a test leaves a goroutine behind: a reader of the event stream, above all.
func TestMain(m *testing.M) {
	testenv.Parallel(6)
	goleak.VerifyTestMain(m)
}
