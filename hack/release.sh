#!/usr/bin/env bash
# Builds what a release holds, into dist/: a static binary for each platform with the licence, the documents and the
# manifests, and checksums of all. The same commit and the same Go make the same bytes.
#
#   hack/release.sh [VERSION]     the default is what git says: v1.2.3, or v1.2.3-4-gabcdef0 between releases
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=hack/lib.sh
source hack/lib.sh

readonly PLATFORMS=(linux/amd64 linux/arm64)

git rev-parse --is-inside-work-tree >/dev/null 2>&1 ||
	fail "needs a git clone, to know the version and when it was committed: clone the repository"
version=${1:-$(git describe --tags --always --dirty)}
commit=$(git rev-parse HEAD)
committed=$(git log -1 --format=%ct)

rm -rf dist
mkdir dist
for platform in "${PLATFORMS[@]}"; do
	os=${platform%/*} arch=${platform#*/}
	name=session-controller_${version#v}_${os}_$arch
	say "building $name"
	mkdir -p "dist/$name"
	GOOS=$os GOARCH=$arch go build \
		-ldflags "-s -w -buildid= -X main.version=$version -X main.commit=$commit" \
		-o "dist/$name/session-controller" ./cmd/controller ||
		fail "building for $platform failed: see above"
	cp LICENSE README.md README.ja.md CHANGELOG.md SECURITY.md "dist/$name/"
	cp -r config docs "dist/$name/"
	# Nothing of this machine, or of now, is in the archive.
	tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$committed" --mode=u+rw,go+r,go-w \
		-C dist -c "$name" | gzip -n -9 >"dist/$name.tar.gz"
	rm -rf "dist/${name:?}"
done
(cd dist && sha256sum -- *.tar.gz >SHA256SUMS)
say "dist/ holds $version:"
cat dist/SHA256SUMS
