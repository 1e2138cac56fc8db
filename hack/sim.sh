#!/usr/bin/env bash
# Plays worlds of the simulation: hack/sim.sh committed, hack/sim.sh long, or hack/sim.sh drawn RUNS SEED. `make test`
# calls the first, `make test-outages` the second, for the committed worlds that take longest, and `make sim` the third.
#
# One world keeps one processor busy, so there is one process for each, and two at most for the committed worlds: each
# process checks that everything came about in its own share. With a seed there is one process, which plays
# the worlds of that seed, and each of them twenty times where they are few: what is not part of a seed may not come
# about again at once. SIM_STEPS=400 makes long worlds (20 steps at least otherwise), SIM_VERBOSE=1 adds the
# controllers' logs to a history.
set -euo pipefail

# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

worlds=${1:?committed, long or drawn} jobs=$(nproc)
flags=(-test.run '^TestSimulation$' -test.v -test.timeout 12h)
case $worlds in
committed) ((jobs <= 2)) || jobs=2 ;;
long)
	((jobs <= 2)) || jobs=2
	export SIM_LONG=1
	;;
drawn)
	runs=${2:?how many worlds} seed=${3:?which worlds, 0 for new ones}
	((seed == 0 && runs >= 10)) || jobs=1
	flags+=(-rapid.checks $(((runs + jobs - 1) / jobs)) -rapid.seed "$seed" -rapid.nofailfile -rapid.shrinktime 60s)
	export SIM_DRAW=1
	;;
*) fail "the worlds are committed, long or drawn, not $worlds" ;;
esac

work=$(mktemp -d)
pids=()
clean_up() {
	local pid
	for pid in "${pids[@]}"; do
		end_process "$pid" 5 || true
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

cd "$LIB_ROOT"
# Not in the foreground: a signal would wait for it.
go test -vet=off -c -o "$work/sim.test" ./test/sim &
pids+=($!)
wait "${pids[0]}" || fail "the simulation does not build: see above"
pids=()
cd test/sim
for ((job = 1; job <= jobs; job++)); do
	SIM_SHARD=$job/$jobs "$work/sim.test" "${flags[@]}" >"$work/$job.log" 2>&1 &
	pids+=($!)
done

code=0
for ((job = 1; job <= jobs; job++)); do
	wait "${pids[job - 1]}" || code=1
	# The worlds that went well need not be named.
	grep -vE '^ *(=== |--- PASS: TestSimulation/)' "$work/$job.log" || true
done
sed -n 's/.*: \([0-9]* runs, .* wrong\)$/\1/p' "$work"/*.log |
	awk '{ r += $1; s += $3; f += $5; w += $7 }
		END { printf "%d runs, %d steps, %d faults, %d wrong\n", r, s, f, w }'
exit "$code"
