#!/usr/bin/env bash
# Checks the alert rules and the board's queries, and runs the rules' tests. Gets promtool where it is not in PATH: from Debian's package prometheus,
# which is taken apart and not installed, so that no server is started.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=hack/lib.sh
source hack/lib.sh

readonly OWN=$PWD/bin/tools/promtool/usr/bin/promtool

# find_promtool: prints where it is, and gets it first where there is none.
find_promtool() {
	command -v promtool && return
	[[ -x $OWN ]] || get_promtool >&2
	printf '%s\n' "$OWN"
}

get_promtool() {
	local work
	command -v apt-get >/dev/null || fail "needs promtool and knows only apt-get to get it: install prometheus's tools"
	say "getting promtool"
	work=$(mktemp -d)
	# apt downloads as a user of its own, where there is one.
	chown _apt "$work" 2>/dev/null || true
	(cd "$work" && { apt-get -qq download prometheus || { apt-get -qq update && apt-get -qq download prometheus; }; }) ||
		fail "could not download Debian's package prometheus: see apt-get's own words above"
	mkdir -p bin/tools/promtool
	dpkg-deb -x "$work"/prometheus_*.deb "$work/all"
	install -D "$work/all/usr/bin/promtool" "$OWN"
	rm -rf "$work"
}

# board_rules: prints the board's queries as recording rules, since promtool reads no boards.
board_rules() {
	local expression number=0
	printf 'groups:\n- name: board\n  rules:\n'
	while IFS= read -r expression; do
		expression=${expression//\\\"/\"}
		expression=${expression//\$__rate_interval/5m}
		printf "  - {record: 'board:query_%d', expr: '%s'}\n" $((++number)) "${expression//\'/\'\'}"
	done < <(sed -n 's/^ *"expr": "\(.*\)",\{0,1\}$/\1/p' config/grafana/session-controller.json)
	((number > 0)) || fail "found no query in config/grafana/session-controller.json"
}

promtool=$(find_promtool)
"$promtool" check rules config/prometheus/alerts.yaml
"$promtool" test rules config/prometheus/alerts_test.yaml
board_rules >bin/tools/board-rules.yaml
"$promtool" check rules bin/tools/board-rules.yaml
