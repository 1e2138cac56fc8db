#!/usr/bin/env bash
# Plays random worlds: hack/sim.sh RUNS SEED. `make sim` calls it.
#
# One world keeps one processor busy, so there is one process for each. With a seed there is one process, which plays
# the worlds of that seed, and each of them twenty times where they are few: what is not part of a seed may not come
# about again at once. SIM_STEPS=400 makes long worlds (20 steps at least otherwise), SIM_VERBOSE=1 adds the
# controllers' logs to a history.
set -euo pipefail

# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

runs=${1:?how many worlds} seed=${2:?which worlds, 0 for new ones} jobs=1
((seed != 0 || runs < 10)) || jobs=$(nproc)

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

go test -c -o "$work/sim.test" ./test/sim
cd test/sim
for ((job = 0; job < jobs; job++)); do
	"$work/sim.test" -test.run '^TestSimulation$' -test.v -test.timeout 12h -rapid.checks $(((runs + jobs - 1) / jobs)) \
		-rapid.seed "$seed" -rapid.nofailfile -rapid.shrinktime 60s >"$work/$job.log" 2>&1 &
	pids+=($!)
done

code=0
for ((job = 0; job < jobs; job++)); do
	wait "${pids[job]}" || code=1
	cat "$work/$job.log"
done
sed -n 's/.*: \([0-9]* runs, .* wrong\)$/\1/p' "$work"/*.log |
	awk '{ r += $1; s += $3; f += $5; w += $7 }
		END { printf "%d runs, %d steps, %d faults, %d wrong\n", r, s, f, w }'
exit "$code"
