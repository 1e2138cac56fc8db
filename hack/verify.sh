#!/usr/bin/env bash
# Checks that the tree is what the tools would make of it: go mod tidy, gofmt, go generate. Works in a tree with changes
# that are not committed yet; files that git ignores do not count. Changes nothing, except that generated files which
# are out of date are brought up to date.
#
#   hack/verify.sh MODULE…        the directories that have a go.mod
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

git rev-parse --is-inside-work-tree >/dev/null || {
	echo "error: needs a git clone, to tell the project's files from others" >&2
	exit 1
}

# files [PATTERN]: the project's files that are there, each ended by a zero byte.
files() {
	git ls-files -z --cached --others --exclude-standard -- "$@" |
		while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done | sort -zu
}

for module in "$@"; do
	go -C "$module" mod tidy -diff || {
		echo "error: $module/go.mod or go.sum is not tidy (above): run make tidy" >&2
		exit 1
	}
done

unformatted=$(files '*.go' | xargs -0 --no-run-if-empty gofmt -l)
if [[ -n $unformatted ]]; then
	printf 'error: not formatted, run make fmt:\n%s\n' "$unformatted" >&2
	exit 1
fi

before=$(files | xargs -0 sha256sum)
go generate ./...
after=$(files | xargs -0 sha256sum)
if [[ $before != "$after" ]]; then
	echo "error: generated files were out of date; they are up to date now, commit them:" >&2
	diff <(echo "$before") <(echo "$after") >&2 || true
	exit 1
fi

echo "go.mod, go.sum, formatting and generated files are as they should be"
