#!/usr/bin/env bash
# Runs a command with everything the tests need:
#
#   hack/test-env.sh -- go test ./pkg/...
#   hack/test-env.sh -- bash                   # a shell to try things in
#
# Installs what is missing (Debian, as root), starts a private Docker Engine and a private PostgreSQL server in one
# temporary directory, imports the test image, runs the command, stops exactly what it started and exits with the
# command's code. The engine and the server of the machine, and other runs of this script, are left alone.
#
# SESSION_CONTROLLER_TEST_DOCKER_HOST and SESSION_CONTROLLER_TEST_POSTGRES_URL (a superuser's URL) name an engine or a
# server to use instead; what they name is not started, and only the test image is added to that engine.
set -euo pipefail

# shellcheck source=hack/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }

work=
memory=
server=

clean_up() {
	local code=$? left
	trap - EXIT
	trap '' INT TERM HUP
	[[ -z $server ]] || end_process "$server" 20 || say "the PostgreSQL server (process $server) did not end"
	[[ -z $memory ]] || rm -rf "$memory" || say "$memory could not be removed"
	if [[ -n $work ]]; then
		# Engines of tests that were killed before they could clean up.
		for left in "$work"/tmp/sc-engine-*/; do
			if [[ -d $left ]]; then
				stop_engine "${left%/}" || say "the engine in ${left%/} could not be cleared away"
			fi
		done
		stop_engine "$work/engine" || say "the engine in $work/engine could not be cleared away"
		rm -rf "$work" || say "$work could not be removed"
	fi
	exit "$code"
}

# postgres_programs: prints the directory of the server's programs, which Debian keeps out of PATH: the newest version's.
postgres_programs() {
	local found
	found=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
	[[ -x $found ]] || found=$(readlink -f "$(command -v initdb)")
	dirname "$found"
}

# take_memory: sets memory to a directory in memory where it has 8 GB to spare. The tests make and drop hundreds of
# databases of 300 files each, for which a disk's file system takes ten times as long.
take_memory() {
	local spare
	spare=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1) || return 0
	if [[ -w /dev/shm ]] && ((spare > 8 * 1024 * 1024)); then
		memory=$(mktemp -d /dev/shm/sct.XXXXXX)
		chmod 755 "$memory"
	fi
}

# start_postgres DIR: sets SESSION_CONTROLLER_TEST_POSTGRES_URL. The server checks passwords with md5, because
# scram-sha-256 took a tenth of the processor time of the packages with the most connections. The servers that single
# tests start check them with scram-sha-256.
start_postgres() {
	local dir=$1 user=postgres bin password port tries
	bin=$(postgres_programs)
	# PostgreSQL refuses to run as root. The Debian package makes the user postgres; nobody is there in any case.
	id "$user" >/dev/null 2>&1 || user=nobody
	password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	mkdir "$dir"
	printf '%s\n' "$password" >"$dir/password"
	chown -R "$user" "$dir"

	local as_user=(setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups)
	"${as_user[@]}" "$bin/initdb" --pgdata="$dir/data" --username=postgres --pwfile="$dir/password" \
		--auth=md5 --encoding=UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1 ||
		{ cat "$dir/initdb.log" >&2 && fail "initdb failed: its words are above"; }

	# A port below the ephemeral range may be taken by the time the server binds it: then it ends, and another is tried.
	for ((tries = 0; tries < 10; tries++)); do
		port=$((20000 + RANDOM % 10000))
		# A session of its own, as for the engine: Ctrl-C must not reach it.
		setsid "${as_user[@]}" "$bin/postgres" -D "$dir/data" -c listen_addresses=127.0.0.1 -c port=$port \
			-c unix_socket_directories="$dir" -c max_connections=300 -c fsync=off -c synchronous_commit=off \
			-c full_page_writes=off >"$dir/server.log" 2>&1 &
		server=$!
		poll 60 postgres_answers_or_ended "$bin" "$dir" "$port" || true
		is_gone "$server" || break
		server=
	done
	if [[ -z $server ]] || ! "$bin/pg_isready" --quiet --host="$dir" --port="$port"; then
		tail -n 20 "$dir/server.log" >&2
		fail "the private PostgreSQL server did not start: its last words are above"
	fi
	export SESSION_CONTROLLER_TEST_POSTGRES_URL="postgres://postgres:$password@127.0.0.1:$port/postgres?sslmode=disable"
}

postgres_answers_or_ended() { is_gone "$server" || "$1/pg_isready" --quiet --host="$2" --port="$3"; }

# run_command COMMAND…: at a terminal Ctrl-C reaches the command by itself. Elsewhere a signal reaches only this script,
# which hands it on to the command and everything the command has started.
run_command() {
	if [[ -t 0 ]]; then
		"$@"
		return
	fi
	set -m
	"$@" <&0 &
	local pid=$!
	set +m
	trap 'kill -TERM -- "-$pid" 2>/dev/null || true' INT TERM HUP
	local code=0
	wait "$pid" || code=$?
	until is_gone "$pid"; do
		wait "$pid" || code=$?
	done
	return "$code"
}

main() {
	if [[ ${1:-} != -- || $# -lt 2 ]]; then
		usage >&2
		exit 64
	fi
	shift

	local host=${SESSION_CONTROLLER_TEST_DOCKER_HOST:-} url=${SESSION_CONTROLLER_TEST_POSTGRES_URL:-}
	command -v go >/dev/null || fail "go is not in PATH: install Go 1.26 or later (https://go.dev/dl)"
	if [[ (-z $host || -z $url) && $EUID -ne 0 ]]; then
		fail "starting a private Docker Engine and PostgreSQL server needs root: run this as root, or set both" \
			"SESSION_CONTROLLER_TEST_DOCKER_HOST and SESSION_CONTROLLER_TEST_POSTGRES_URL"
	fi
	# The race detector needs a C compiler and its headers.
	install_packages gcc=gcc /usr/include/stdlib.h=libc6-dev make=make docker=docker.io
	# What is deployed is tried with the programs that run it.
	install_packages haproxy=haproxy systemd-analyze=systemd /etc/ssl/certs/ca-certificates.crt=ca-certificates \
		node=nodejs npm=npm
	[[ -n $host ]] || install_packages dockerd=docker.io containerd=containerd
	[[ -n $url ]] || PATH=$PATH:$(postgres_programs 2>/dev/null) install_packages initdb=postgresql

	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	work=$(mktemp -d /tmp/sct.XXXXXX)
	# The database server's user must be able to pass.
	chmod 755 "$work"
	mkdir -m 1777 "$work/tmp"
	mkdir "$work/build"

	if [[ -z $url ]]; then
		take_memory
		start_postgres "${memory:-$work}/postgres"
	fi
	if [[ -z $host ]]; then
		start_engine "$work/engine"
		host=$(engine_host "$work/engine")
	fi
	import_image "$host"

	# The race detector needs cgo. What is measured must collect garbage as it does in production.
	export SESSION_CONTROLLER_TEST_DOCKER_HOST=$host TMPDIR=$work/tmp CGO_ENABLED=1
	export SESSION_CONTROLLER_TEST_BUILD=$work/build
	unset GOGC GOMEMLIMIT
	run_command "$@"
}

main "$@"
