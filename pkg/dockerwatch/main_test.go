package dockerwatch_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package when a test leaves a goroutine behind: a reader of the event stream, above all.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
