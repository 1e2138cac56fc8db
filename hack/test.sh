#!/usr/bin/env bash
# Runs the tests: hack/test.sh GOTESTSUM [PACKAGES]. `make test` calls it.
#
# Without packages it runs everything, measures the coverage of the project's own packages, and plays the committed
# worlds of the simulation beside the tests, on whatever processor time they leave: many of them wait. With packages it
# runs those alone.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=hack/lib.sh
source hack/lib.sh

# The packages whose coverage counts, and its limit in percent: not those that only help the tests.
readonly OWN_PACKAGES=./cmd/...,./controllers/...,./pkg/... COVERAGE=coverage.out COVERAGE_MIN=80.0

# The packages that take longest begin first.
readonly LONGEST=(./test/e2e ./pkg/sessiondb ./cmd/controller)

gotestsum=${1:?the program gotestsum}
shift

work=$(mktemp -d)
simulation='' tests=''
clean_up() {
	local code=$?
	trap - EXIT
	[[ -z $simulation ]] || end_process "$simulation" 20 || true
	[[ -z $tests ]] || end_process "$tests" 90 || true # it ends an engine and a database
	rm -rf "$work"
	exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# go_test FLAG-OR-PACKAGE…: make lint does what vet does, and more. A binary without a debugger's tables is linked in two
# thirds of the time. SQLite's C code, which was translated to Go, takes twice the time with the race detector where each
# of its pointers is checked, and it is not ours: it is watched for races alone. What properties are tried on is the same
# each time: make fuzz and the nightly run draw anew.
go_test() {
	exec hack/test-env.sh -- env GOGC="$GOGC" GOMEMLIMIT="$GOMEMLIMIT" RAPID_SEED=1 "$gotestsum" --format pkgname --jsonfile-timing-events "$work/timing" -- \
		-race -vet=off -ldflags=-w -gcflags=modernc.org/sqlite/lib=-d=checkptr=0 -timeout 30m "$@"
}

# run_tests FLAG-OR-PACKAGE…: not in the foreground, where a signal would wait for the tests.
run_tests() {
	go_test "$@" &
	tests=$!
	wait "$tests" || code=$?
	tests=''
}

slowest() {
	say "the ten slowest tests"
	"$gotestsum" tool slowest --num 10 --jsonfile "$work/timing" || true # of a run that ended early there may be none
}

code=0
if (($# > 0)); then
	run_tests -p 2 "$@"
	slowest
	exit "$code"
fi

nice -n 19 hack/sim.sh committed >"$work/simulation" 2>&1 &
simulation=$!
run_tests -p 3 -coverpkg "$OWN_PACKAGES" -coverprofile "$COVERAGE" "${LONGEST[@]}" ./...
slowest

say "the committed worlds of the simulation"
wait "$simulation" || code=1
simulation=''
cat "$work/simulation"
((code == 0)) || exit "$code"
hack/coverage.sh "$COVERAGE" "$COVERAGE_MIN"
