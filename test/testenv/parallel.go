package testenv

import (
	"flag"
	"strconv"
)

// Parallel lets n tests of this process run at the same time, unless the command line says how many. By default there
// are as many as processors, and tests that wait, for a database, an engine or a deadline, leave those idle. It is for
// TestMain, before the tests run, and leaves fuzzing alone, whose workers keep processors busy.
func Parallel(n int) {
	flag.Parse() //nolint:revive // It is part of TestMain, which is the tests' main.

	const parallel = "test.parallel"

	given := false

	flag.Visit(func(f *flag.Flag) { given = given || f.Name == parallel || f.Name == "test.fuzz" })

	if given {
		return
	}

	if err := flag.Set(parallel, strconv.Itoa(n)); err != nil {
		panic(err) // The package testing has the flag.
	}
}
