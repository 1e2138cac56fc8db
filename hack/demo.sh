#!/usr/bin/env bash
# Shows the main job on a real Docker Engine and an embedded SQLite database, and checks what it shows:
#
#   hack/demo.sh
#
# Uses the engine that DOCKER_HOST names, or the one on the default socket, if it answers; else installs Debian's (as
# root) and starts a private one. Builds everything in a temporary directory. The containers, the image and the prefix
# that owns them carry a name of this run alone, so no other container is touched, and several runs at once do not meet.
# Whatever way it ends, what it made is removed and what it started is stopped. Exits 0 only if every row and container
# ended as it should.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=hack/lib.sh
source hack/lib.sh
# shellcheck source=hack/demo-steps.sh
source hack/demo-steps.sh

readonly DEFAULT_HOST=unix:///var/run/docker.sock
# The label that everything of a run carries; its value is the run.
readonly RUN_LABEL=io.session-controller.demo

work='' host='' private='' run='' image='' controller=''

clean_up() {
	local code=$?
	trap - EXIT
	trap '' INT TERM HUP PIPE
	[[ -z $controller ]] || end_process "$controller" 10 || true
	if [[ -n $image && -z $private ]]; then
		remove_own || printf 'error: could not remove all containers with the label %s=%s from %s: remove them by hand\n' \
			"$RUN_LABEL" "$run" "$host" >&2
		engine image rm --force "$image" >/dev/null 2>&1 || true
	fi
	[[ -z $private ]] || stop_engine "$private"
	[[ -z $work ]] || rm -rf "$work"
	exit "$code"
}

# engine ARGUMENT…: the docker command, bounded. timeout gives it a process group of its own, so that Ctrl-C does not
# tear a call in two: what was begun is known, and can be removed.
engine() { timeout 60 docker --host "$host" "$@"; }

own_containers() { engine ps --all --filter "label=$RUN_LABEL=$run" "$@"; }

# remove_own: more than once, because a call that was torn all the same may still make a container.
remove_own() {
	local tries ids
	for tries in 1 2 3; do
		ids=$(own_containers --quiet) || return 1
		[[ -n $ids ]] || return 0
		xargs timeout 60 docker --host "$host" rm --force --volumes <<<"$ids" >/dev/null 2>&1 || sleep "0.$tries"
	done
	[[ -z $(own_containers --quiet) ]]
}

choose_engine() {
	install_packages docker=docker.io
	# Debian 13 has the command in a package of its own, which docker.io only recommends.
	install_packages docker=docker-cli
	host=${DOCKER_HOST:-$DEFAULT_HOST}
	case $host in
	ssh://* | npipe://*) say "the controller does not speak ${host%%:*}://: starting a private Docker Engine" ;;
	*)
		if timeout 10 docker --host "$host" version >/dev/null 2>&1; then
			say "using the Docker Engine at $host"
			return
		fi
		say "no Docker Engine answers at $host: starting a private one"
		;;
	esac
	install_packages dockerd=docker.io containerd=containerd
	private=$work/engine
	start_engine "$private"
	host=$(engine_host "$private")
}

# build: the controller as `make build` makes it, what writes the rows, and the program in the image. Nothing of it ends
# up in the clone.
build() {
	local arch
	say "building (the first time compiles all dependencies, some minutes)"
	make --no-print-directory build BIN="$work/session-controller" >"$work/build.log" 2>&1 ||
		{ cat "$work/build.log" >&2 && fail "make build failed: see above"; }
	go build -o "$work/demorows" ./hack/demorows || fail "building hack/demorows failed: see above"

	arch=$(engine version --format '{{.Server.Arch}}') || fail "the Docker Engine at $host does not answer any more"
	GOOS=linux GOARCH=$arch go build -ldflags '-s -w' -o "$work/workload" ./test/workload ||
		fail "building test/workload for $arch failed: see above"
	image=session-controller-demo:$run
	tar -C "$work" -c workload | engine import - "$image" >/dev/null ||
		fail "importing a test image into $host failed: see above"
}

main() {
	local began=$SECONDS
	command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
	command -v go >/dev/null || fail "go is not in PATH: install Go 1.26 or later (https://go.dev/dl)"
	# A database of the user's own must not get into this.
	unset DATABASE_URL

	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	trap 'exit 141' PIPE
	work=$(mktemp -d /tmp/scd.XXXXXX)
	run=scdemo-${work##*.}
	choose_engine
	build
	export DOCKER_HOST=$host

	local ready=$SECONDS
	make_sessions
	show_plan
	run_controller
	end_a_process
	stop_controller
	check_the_end
	heading "Done: every row and container is as it should be. Took $((SECONDS - ready)) s, and $((ready - began)) s before to build and to get an engine."
}

main "$@"
