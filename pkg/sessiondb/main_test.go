package sessiondb_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/session-controller/session-controller/test/testenv"
)

func TestMain(m *testing.M) {
	testenv.Parallel(4)
	goleak.VerifyTestMain(m)
}
