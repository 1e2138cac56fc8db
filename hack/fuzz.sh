#!/usr/bin/env bash
# Runs every fuzz target of the project, one after another, each for this long or for this many executions:
#
#   hack/fuzz.sh 10s
#   hack/fuzz.sh 1000x ./pkg/...               # of some packages only
#
# Ends at the first target that fails; the input that made it fail is in testdata/fuzz beside it then, and every later
# `go test` tries it again. Needs neither engine nor database server.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=hack/lib.sh
source hack/lib.sh

(($# >= 1)) || {
	echo "usage: hack/fuzz.sh TIME [PACKAGES]" >&2
	exit 64
}
limit=$1
shift
(($# >= 1)) || set -- ./...

# go prints the names of a package's targets first, and the package after them.
listed=$(go test -list '^Fuzz' "$@") || fail "the tests do not build: $listed"
targets=$(awk '
	/^Fuzz/ { names[++n] = $1 }
	$1 == "ok" { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }' <<<"$listed")
[[ -n $targets ]] || fail "there is no fuzz target in $*"

# Without a limit of its own, the search for the shortest form of one input can take up all of a short time.
while read -r package name; do
	say "$name of $package"
	go test -run '^$' -fuzz "^$name\$" -fuzztime "$limit" -fuzzminimizetime 100x "$package" </dev/null ||
		fail "$name failed: the input is named above; go test -run $name $package tries it again"
done <<<"$targets"
say "$(wc -l <<<"$targets") targets held for $limit each"
