package testenv

import (
	"testing"

	"github.com/session-controller/session-controller/test/rig"
)

// FreeAddress is an address of the loopback interface that nobody listens on.
func FreeAddress(t testing.TB) string {
	t.Helper()

	address, err := rig.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}

	return address
}
