package testenv

import "os"

// FullOutages reports whether outages last as long as in production: SESSION_CONTROLLER_TEST_OUTAGES=full, which
// make test-outages sets. Else tests play a short form of each.
func FullOutages() bool { return os.Getenv("SESSION_CONTROLLER_TEST_OUTAGES") == "full" }
