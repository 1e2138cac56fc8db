#!/usr/bin/env bash
# Prints the coverage of each package and the total of a profile, and fails when the total is under a limit:
#
#   hack/coverage.sh coverage.out 80.0
set -euo pipefail

if (($# != 2)); then
	echo "usage: hack/coverage.sh PROFILE PERCENT" >&2
	exit 64
fi
profile=$1 limit=$2

# With -coverpkg every test binary reports every block, so a block stands here many times: it is covered if one of them
# ran it. A line is "package/file.go:from,to statements count".
awk '
	NR > 1 {
		statements[$1] = $2
		if ($3 > 0) covered[$1] = 1
	}
	END {
		for (block in statements) {
			name = block
			sub(/\/[^\/]*$/, "", name)
			all[name] += statements[block]
			if (block in covered) ran[name] += statements[block]
		}
		for (name in all) printf "%6.1f %%  %s\n", 100 * ran[name] / all[name], name
	}' "$profile" | sort -k 3

total=$(go tool cover -func="$profile" | tail -n 1 | awk '{ sub(/%/, "", $NF); print $NF }')
printf '%6.1f %%  total\n' "$total"

if awk -v total="$total" -v limit="$limit" 'BEGIN { exit !(total < limit) }'; then
	echo "error: the coverage of the project's own packages is $total %, under the limit of $limit %:" \
		"go tool cover -html=$profile shows what no test runs" >&2
	exit 1
fi
