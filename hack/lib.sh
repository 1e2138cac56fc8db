# Functions that start, fill and stop a private Docker Engine. Sourced by the scripts beside it, never run alone.
# shellcheck shell=bash
#
# A private engine is a containerd and a dockerd of its own, everything of which lives below one directory:
#
#   start_engine DIR         starts them and returns when the engine answers
#   engine_host DIR          prints the engine's address, for DOCKER_HOST
#   import_image HOST        builds test/workload and imports it, unless this very binary is there already
#   stop_engine DIR          ends the engine, its containers, their shims, mounts and control groups; removes DIR
#
# test/testenv/engine.go starts engines in the same way: a change here belongs there, too.

# The image's reference; test/testenv/docker.go has the same.
readonly WORKLOAD_IMAGE=session-controller-test/workload:latest

readonly LIB_ROOT=${BASH_SOURCE[0]%/*}/..

# One set of flags for everything that is compiled; the Makefile has the same and says why. The machine's own settings
# do not decide what is built.
export GOFLAGS='-trimpath -buildvcs=false' CGO_ENABLED=0 GOGC=400 GOMEMLIMIT=2GiB

say() { printf '==> %s\n' "$*" >&2; }

fail() {
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# poll SECONDS COMMAND…: runs the command every 0.1 s until it succeeds; fails when the time is over.
poll() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# is_gone PID: true when no such process runs (any more). A zombie runs no more.
is_gone() {
	local state
	state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null) || return 0
	[[ -z $state || $state == Z* ]]
}

# end_process PID SECONDS: SIGTERM, and SIGKILL when it has not ended by then.
end_process() {
	local pid=$1
	is_gone "$pid" && return 0
	kill -CONT "$pid" 2>/dev/null || true
	kill -TERM "$pid" 2>/dev/null || true
	poll "$2" is_gone "$pid" && return 0
	kill -KILL "$pid" 2>/dev/null || true
	poll 10 is_gone "$pid"
}

# install_packages COMMAND=PACKAGE…: installs the Debian packages of the commands (or files, by absolute path) that are
# missing. Services that a package would start are not started: everything here is private to the script that asks.
install_packages() {
	local pair missing=()
	for pair in "$@"; do
		[[ $pair == /* && -e ${pair%%=*} ]] || command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
	done
	((${#missing[@]} == 0)) && return 0

	((EUID == 0)) || fail "needs the packages ${missing[*]}: install them, or run this as root"
	command -v apt-get >/dev/null ||
		fail "needs ${missing[*]} and knows only apt-get to install them: install them with this machine's own tool"

	say "installing ${missing[*]}"
	(
		# Two runs at once must not take the policy file away from each other.
		exec 9>/run/lock/session-controller-apt.lock
		flock 9
		policy=/usr/sbin/policy-rc.d
		if [[ ! -e $policy ]]; then
			trap 'rm -f "$policy"' EXIT
			printf '#!/bin/sh\nexit 101\n' >"$policy"
			chmod 755 "$policy"
		fi
		export DEBIAN_FRONTEND=noninteractive
		apt-get -o DPkg::Lock::Timeout=300 -qq update >&2
		apt-get -o DPkg::Lock::Timeout=300 -qq -y --no-install-recommends install "${missing[@]}" >&2
	) || fail "could not install ${missing[*]}: see apt-get's own words above"
	hash -r
}

engine_host() { printf 'unix://%s/docker.sock\n' "$1"; }

# engine_cgroup DIR: the control group that holds all containers of the engine, and nothing else.
engine_cgroup() { printf '/session-controller%s\n' "${1//\//-}"; }

start_engine() {
	local dir=$1 host pid
	host=$(engine_host "$dir")
	((EUID == 0)) || fail "starting a private Docker Engine needs root: run this as root, or name a running engine"
	((${#dir} <= 80)) || fail "the directory $dir is too long for a Unix socket (107 bytes): choose a shorter one"
	mkdir -p "$dir"

	# A containerd of its own: dockerd would share the machine's (and other engines') where one is running.
	cat >"$dir/containerd.toml" <<-TOML
		version = 2
		root = "$dir/containerd"
		state = "$dir/containerd-run"
		disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
		[grpc]
		address = "$dir/containerd.sock"
	TOML
	# The machine's own /etc/docker/daemon.json is not meant for this engine.
	printf '{}\n' >"$dir/daemon.json"

	# Sessions of their own: Ctrl-C at a terminal must not end them before the command that uses them has cleared up.
	setsid containerd --config "$dir/containerd.toml" >"$dir/containerd.log" 2>&1 &
	pid=$!
	printf '%s\n' "$pid" >"$dir/containerd.pid"
	poll 30 test -S "$dir/containerd.sock" || fail "containerd did not start within 30 s: see $dir/containerd.log"

	setsid dockerd --config-file "$dir/daemon.json" --containerd "$dir/containerd.sock" \
		--data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/dockerd.pid" --host "$host" \
		--bridge none --iptables=false --ip6tables=false \
		--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "$(engine_cgroup "$dir")" \
		>"$dir/dockerd.log" 2>&1 &
	pid=$!
	poll 60 engine_answers_or_ended "$host" "$pid"
	if is_gone "$pid" || ! docker --host "$host" version >/dev/null 2>&1; then
		tail -n 20 "$dir/dockerd.log" >&2
		fail "the private Docker Engine did not start within 60 s: its last words are above"
	fi
}

engine_answers_or_ended() { is_gone "$2" || timeout 5 docker --host "$1" version; }

import_image() {
	local host=$1 build sum old
	build=$(mktemp -d)
	(cd "$LIB_ROOT" && go build -ldflags '-s -w' -o "$build/workload" ./test/workload) ||
		fail "building test/workload failed: see above"
	sum=$(sha256sum "$build/workload")
	sum=${sum%% *}

	old=$(docker --host "$host" image inspect --format '{{.Id}} {{.Config.Labels.binary}}' "$WORKLOAD_IMAGE" 2>/dev/null) ||
		old=
	if [[ ${old#* } != "$sum" ]]; then
		tar -C "$build" -c workload |
			docker --host "$host" import --change 'CMD ["/workload", "sleep"]' --change "LABEL binary=$sum" \
				- "$WORKLOAD_IMAGE" >/dev/null || fail "importing the image $WORKLOAD_IMAGE into $host failed: see above"
		# The image that lost its name; it stays where a container still uses it.
		[[ -z $old ]] || docker --host "$host" image rm "${old%% *}" >/dev/null 2>&1 || true
	fi
	rm -rf "$build"
}

stop_engine() {
	local dir=$1 host pid
	[[ -d $dir ]] || return 0
	host=$(engine_host "$dir")

	# While the engine is there it takes its containers down itself, without the 10 s it would give each on SIGTERM.
	if pid=$(cat "$dir/dockerd.pid" 2>/dev/null) && [[ -n $pid ]] && is_of_engine "$dir" "$pid"; then
		kill -CONT "$pid" 2>/dev/null || true
		timeout 20 docker --host "$host" ps --all --quiet 2>/dev/null |
			timeout 60 xargs --no-run-if-empty docker --host "$host" rm --force --volumes >/dev/null 2>&1 || true
		end_process "$pid" 20 || true
	fi
	end_containers "$dir"
	for pid in $(engine_processes "$dir"); do
		end_process "$pid" 5 || true
	done
	remove_traces "$dir"
}

# is_of_engine DIR PID: true for a dockerd, containerd or shim whose command line names DIR. A number in a pid file may
# belong to somebody else by now.
is_of_engine() {
	local words=()
	mapfile -d '' -t words <"/proc/$2/cmdline" 2>/dev/null || return 1
	case ${words[0]:-} in
	dockerd | containerd | */dockerd | */containerd | */containerd-shim*) ;;
	*) return 1 ;;
	esac
	[[ " ${words[*]}" == *[\ /]"${1#/}"/* ]]
}

engine_processes() {
	local entry
	for entry in /proc/[0-9]*; do
		is_of_engine "$1" "${entry#/proc/}" 2>/dev/null && printf '%s\n' "${entry#/proc/}"
	done
	return 0
}

# engine_cgroups DIR: the group in each hierarchy (version 1), or in the only one (version 2).
engine_cgroups() {
	local group name
	name=$(engine_cgroup "$1")
	for group in "/sys/fs/cgroup$name" /sys/fs/cgroup/*"$name"; do
		[[ -d $group ]] && printf '%s\n' "$group"
	done
	return 0
}

# end_containers DIR: kills what still runs in containers. Those of a killed engine live on under their shims.
end_containers() {
	local group pid frozen
	for group in $(engine_cgroups "$1"); do
		# Under version 1 of control groups a paused process does not even end.
		while read -r frozen; do
			echo THAWED 2>/dev/null >"$frozen" || true
		done < <(find "$group" -name freezer.state 2>/dev/null)
		while read -r pid; do
			kill -KILL "$pid" 2>/dev/null || true
			poll 10 is_gone "$pid" || true
		done < <(find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null)
	done
}

# remove_traces DIR: what an engine that ended well has removed itself, and one that was killed has not.
remove_traces() {
	local dir=$1 point group address
	# The shims' sockets lie outside, under names that only these files know.
	for address in "$dir"/containerd-run/io.containerd.runtime.v2.task/moby/*/address; do
		[[ -f $address ]] && rm -f "$(sed 's|^unix://||' "$address")"
	done
	while read -r point; do
		umount "$point" 2>/dev/null || umount --lazy "$point" || true
	done < <(awk -v below="$dir/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r)
	for group in $(engine_cgroups "$dir"); do
		find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	done
	# A test that was killed may have left a file that nobody can remove.
	chattr -R -i "$dir" 2>/dev/null || true
	rm -rf "$dir"
}
