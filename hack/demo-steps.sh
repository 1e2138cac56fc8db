# The steps of the demo, in their order: each shows something and checks it. Sourced by hack/demo.sh, never run alone.
# shellcheck shell=bash
# shellcheck disable=SC2154 # work, run and image are set by hack/demo.sh

# expected holds the rows as they must be in the end, in the form of `demorows FILE list`.
declare -A container=()
expected='' oom_mode=() oom_reason='' shown=0

heading() {
	local bold='' plain=''
	[[ ! -t 1 ]] || bold=$'\033[1m' plain=$'\033[0m'
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

indent() { sed 's/^/    /'; }

# short: full container ids as docker prints them, so that lines fit.
short() { sed -E 's/\b([0-9a-f]{12})[0-9a-f]{52}\b/\1/g'; }

rows() { "$work/demorows" "$work/sessions.db" "$@"; }

rows_are() { [[ $(rows list) == "$1" ]]; }

# row ID STATUS CLAIM: a line of `demorows FILE list`.
row() { printf '%s\t%s\t%s' "$@"; }

show_rows() {
	local id status claim
	printf '    %-10s %-12s %s\n' ID STATUS CONTAINER_ID
	while IFS=$'\t' read -r id status claim; do
		printf '    %-10s %-12s %s\n' "$id" "$status" "$claim"
	done < <(rows list | short)
}

show_containers() { own_containers --format 'table {{.ID}}\t{{.Names}}\t{{.Status}}' | indent; }

# show_log: what the controller has logged since the last time.
show_log() {
	local lines
	lines=$(wc -l <"$work/log")
	sed -n "$((shown + 1)),${lines}p" "$work/log" | short | indent
	shown=$lines
}

# must_log SESSION REASON: fails unless the controller has given this reason for an effect on the session.
must_log() {
	grep -F "\"session\": \"$1\"" "$work/log" | grep -qF "\"reason\": \"$2\"" ||
		fail "the log must give the reason $2 for session $1: see above"
}

# begin SESSION ARGUMENT…: starts the session's container and keeps its full id.
begin() {
	local session=$1
	shift
	container[$session]=$(engine run --detach --network none --label "$RUN_LABEL=$run" --name "$run-$session" "$@") ||
		fail "starting the container of session $session on $host failed: see above"
}

has_ended() { [[ $(engine inspect --format '{{.State.Status}}' "$1") == exited ]]; }

make_sessions() {
	local labels=(--label "io.session-controller.installation=$run")
	heading "1. Eight sessions, and the containers behind them"
	oom_mode=(oom) oom_reason=ContainerOOMKilled
	if [[ $(engine info --format '{{.MemoryLimit}}' 2>/dev/null) != true ]]; then
		echo "    (this engine cannot limit memory, so the session \"oom\" merely exits with 137)"
		oom_mode=(exit 137) oom_reason=ContainerExited
	fi
	begin oom --memory 20m "$image" /workload "${oom_mode[@]}"
	begin healthy "$image" /workload sleep
	begin named "$image" /workload sleep
	begin watched "$image" /workload sleep
	begin crashed "$image" /workload exit 3
	begin ended "$image" /workload sleep
	# The server died before it saved the claim of the one, and the row of the other has been deleted.
	begin unsaved "${labels[@]}" --label io.session-controller.session=unsaved "$image" /workload sleep
	begin deleted "${labels[@]}" --label io.session-controller.session=deleted "$image" /workload sleep

	cat >"$work/config.yaml" <<-YAML
		database: {url: "file:$work/sessions.db"}
		docker: {ownership: {namePrefixes: ["$run-"], installation: "$run"}}
		policy: {exitGrace: 1s, goneGrace: 1s, startGrace: 4s, leakGrace: 4s, adoptAfter: 2s}
	YAML
	controller_command migrate --sessions-table >/dev/null || fail "creating the demo's database failed: see above"
	# A claim may be a full id, a short id or a name.
	rows put healthy ACTIVE "${container[healthy]}" named IDLE "$run-named" watched ACTIVE "${container[watched]}" \
		crashed ACTIVE "${container[crashed]}" oom ACTIVE "${container[oom]}" gone ACTIVE "$run-gone" \
		ended TERMINATED "${container[ended]:0:12}" unsaved ACTIVE -
	poll 30 has_ended "${container[crashed]}" || fail "the container of session crashed did not exit within 30 s"
	poll 30 has_ended "${container[oom]}" || fail "the container of session oom did not run out of memory within 30 s"

	show_rows
	echo
	show_containers
}

controller_command() { "$work/session-controller" "$1" --config "$work/config.yaml" "${@:2}"; }

show_plan() {
	local code=0
	heading "2. What is adrift, and what would be done: session-controller plan"
	controller_command plan >"$work/plan" || code=$?
	short <"$work/plan" | indent
	((code == 2)) || fail "plan exited with $code where there is drift: it must exit with 2"
	[[ $(awk '/ (now|in [0-9]+s)$/ { print $1 }' "$work/plan" | sort | xargs) == 'crashed deleted ended gone oom unsaved' ]] ||
		fail "plan must list exactly the sessions crashed, deleted, ended, gone, oom and unsaved: see above"
}

run_controller() {
	heading "3. The controller converges: session-controller run --log-format console"
	echo "    Dead sessions become ERROR; their containers, and those of ended sessions, are removed; then the claim is cleared."
	echo "    The claim that was never saved is recorded, and the container without a row is removed. Graces are 1 to 4 s here;"
	echo "    by default a container that stopped is given 5 s, one that is gone 10 s, and one that no row claims 2 min."
	echo
	# A session of its own: Ctrl-C must reach the controller once, by clean_up.
	: >"$work/log"
	setsid env -u GOGC -u GOMEMLIMIT "$work/session-controller" run --config "$work/config.yaml" --log-format console \
		--metrics-bind-address 0 --health-probe-bind-address 0 >"$work/log" 2>&1 &
	controller=$!
	expect watched ACTIVE "${container[watched]}"
	wait_for_rows 30
	show_log
	echo
	show_rows
	must_log crashed ContainerExited
	must_log oom "$oom_reason"
	must_log gone ContainerGone
	must_log ended SessionEnded
	must_log unsaved ContainerUnrecorded
	must_log deleted ContainerLeaked
}

# expect WATCHED…: the rows as they must become; the arguments are the row of the session watched, and rows after all
# others.
expect() {
	expected=$(
		row healthy ACTIVE "${container[healthy]}" && echo
		row named IDLE "$run-named" && echo
		row "${@:1:3}" && echo
		row crashed ERROR - && echo
		row oom ERROR - && echo
		row gone ERROR - && echo
		row ended TERMINATED - && echo
		row unsaved ACTIVE "${container[unsaved]}"
		(($# == 3)) || { echo && row "${@:4:3}"; }
	)
}

wait_for_rows() {
	poll "$1" is_done_or_ended || true
	is_done && return
	show_log
	echo
	show_rows
	is_gone "$controller" && fail "the controller ended by itself: its last words are above"
	fail "rows and containers did not become what they should within $1 s (above); the rows should be:"$'\n'"$(short <<<"$expected")"
}

# is_done: the rows are as they should be, and the container without a row is gone, too.
is_done() { rows_are "$expected" && ! own_containers --quiet --no-trunc | grep -qxF "${container[deleted]}"; }

is_done_or_ended() { is_done || is_gone "$controller"; }

# host_pid ID: prints the number of the container's first process if it is a process of this machine, and ours to kill.
# An engine behind tcp:// or a forwarded socket gives numbers that mean other processes here, or none.
host_pid() {
	local pid
	pid=$(engine inspect --format '{{.State.Pid}}' "$1") || return 1
	((pid > 1)) && grep -qF "$1" "/proc/$pid/cgroup" 2>/dev/null && kill -0 "$pid" 2>/dev/null && printf '%s\n' "$pid"
}

end_a_process() {
	local pid
	heading "4. A process dies while the controller looks on"
	if pid=$(host_pid "${container[watched]}"); then
		printf '    kill -9 %s, the first process of session "watched". No grace: nobody asked the engine to stop it.\n\n' "$pid"
		kill -KILL "$pid"
		expect watched ERROR -
		wait_for_rows 15
		must_log watched ContainerExited
	else
		printf '    The engine is not on this machine: a session "late" begins, whose process ends by itself after 2 s.\n\n'
		begin late "$image" /workload exit-after 2s 137
		rows put late ACTIVE "${container[late]}"
		expect watched ACTIVE "${container[watched]}" late ERROR -
		wait_for_rows 15
		must_log late ContainerExited
	fi
	show_log
	echo
	show_rows
}

stop_controller() {
	local code=0
	heading "5. The controller stops on SIGTERM, and nothing is adrift: session-controller plan"
	kill -TERM "$controller"
	poll 10 is_gone "$controller" || fail "the controller did not end within 10 s of SIGTERM"
	wait "$controller" || code=$?
	controller=
	show_log
	((code == 0)) || fail "the controller exited with $code after SIGTERM: it must exit with 0"
	controller_command plan | short | indent || fail "plan exited with $? where nothing is adrift: it must exit with 0"
}

# check_the_end: the healthy sessions must have kept their containers, which must have run all the time.
check_the_end() {
	local kept=(healthy named unsaved) session left
	[[ -z ${container[late]:-} ]] || kept+=(watched)
	echo
	show_containers
	rows_are "$expected" || fail "the rows changed after the controller had ended: see above"
	left=$(own_containers --quiet --no-trunc | sort)
	[[ $left == "$(for session in "${kept[@]}"; do printf '%s\n' "${container[$session]}"; done | sort)" ]] ||
		fail "the containers of the sessions ${kept[*]} must be left, and no other: see above"
	for session in "${kept[@]}"; do
		[[ $(engine inspect --format '{{.State.Running}} {{.RestartCount}}' "${container[$session]}") == "true 0" ]] ||
			fail "the container of session $session must have run all the time: see above"
	done
}
