# `make` or `make help` says what there is. Every target does its own set-up.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c

BIN := bin/session-controller

# One set of flags for everything that is compiled. A second set would compile all dependencies a second time, which
# takes minutes on a new machine. Only the race detector needs a set of its own, with cgo. hack/lib.sh has the same.
export GOFLAGS := -trimpath -buildvcs=false
export CGO_ENABLED := 0

# The compiler, and the tests, collect garbage less often, which takes a sixth of their time, and use up to 2 GiB more
# for each process instead. hack/lib.sh has the same.
export GOGC := 400
export GOMEMLIMIT := 2GiB

# Both work without git (a tarball): then the binary says "dev".
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)

# The version is in the path, so that raising it here is all that is needed.
GOLANGCI_LINT_VERSION := v2.15.0
GOLANGCI_LINT         := bin/tools/golangci-lint-$(GOLANGCI_LINT_VERSION)/golangci-lint
GOTESTSUM_VERSION     := v1.13.0
GOTESTSUM             := bin/tools/gotestsum-$(GOTESTSUM_VERSION)/gotestsum

# What `make docker-build` makes.
IMAGE ?= session-controller:latest

# What `make test` runs; empty is everything.
TEST ?=

# The modules beside the main one: each has what only one target needs, so that nothing else has to compile it.
MODULES := test/chart test/manifests

# How long `make fuzz` runs each target; 1000x is a number of executions.
FUZZTIME ?= 10s

# How many worlds `make sim` plays, and which; seed 0 is a new one each time.
RUNS ?= 1000
SEED ?= 0

# How long `make soak` churns sessions.
DURATION ?= 10m

.DEFAULT_GOAL := help

.PHONY: help
help: ## Say what there is.
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Use it

.PHONY: build
build: ## Build bin/session-controller, static.
	go build -ldflags '-s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)' -o $(BIN) ./cmd/controller

.PHONY: docker-build
docker-build: build ## Build the image IMAGE=session-controller:latest FROM scratch; needs no network after `make build`.
	test -s /etc/ssl/certs/ca-certificates.crt || { echo 'install ca-certificates first' >&2; exit 1; }
	rm -rf bin/image && mkdir -p bin/image
	cp Dockerfile $(BIN) bin/image/ && cp -L /etc/ssl/certs/ca-certificates.crt bin/image/
	docker build --build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' --tag '$(IMAGE)' bin/image

.PHONY: demo
demo: ## Show the main job: real engine, embedded database. Debian, as root.
	hack/demo.sh

.PHONY: run
run: build ## Run the controller with CONFIG=file.yaml, logging for people.
	env -u GOGC -u GOMEMLIMIT $(BIN) run --log-format console $(if $(CONFIG),--config '$(CONFIG)',)

.PHONY: clean
clean: ## Remove what was built, the tools too.
	rm -rf bin dist .cache coverage.out coverage.html

.PHONY: release-snapshot
release-snapshot: ## Build what a release of this commit would hold, into dist/.
	hack/release.sh

##@ Change it

.PHONY: test
test: $(GOTESTSUM) ## Run all tests (TEST=./pkg/... for some) with race detector, engine and database. Debian, as root.
	hack/test.sh $(GOTESTSUM) $(TEST)

.PHONY: test-outages
test-outages: $(GOTESTSUM) ## Run the tests of outages with as many kills and as long waits as in production. Debian, as root.
	SESSION_CONTROLLER_TEST_OUTAGES=full hack/test.sh $(GOTESTSUM) -run '^TestOutage' ./test/e2e ./pkg/sessiondb
	hack/sim.sh long

.PHONY: test-modules
test-modules: build ## Test the modules beside the main one: the manifests with kubectl's and compose's libraries, the drawings.
	for module in $(MODULES); do go -C "$$module" test -vet=off ./...; done

.PHONY: sim
sim: ## Play RUNS=1000 random worlds against the controller in virtual time (SEED=… for one again).
	hack/sim.sh drawn $(RUNS) $(SEED)

.PHONY: sim-mutants
sim-mutants: ## Check that the simulation catches controllers that are wrong on purpose (half an hour).
	go run ./test/sim/mutants

.PHONY: fuzz
fuzz: ## Try random input, FUZZTIME=10s for each fuzz target.
	hack/fuzz.sh $(FUZZTIME)

.PHONY: soak
soak: build ## Churn sessions for DURATION=10m; fails on growth, drift or harm. Debian, as root.
	go build -o bin/soak ./test/soak
	hack/test-env.sh -- bin/soak -controller $(BIN) -duration $(DURATION)

.PHONY: bench
bench: build ## Measure beside the seed's loop and the floor, into bench.json (within ten minutes). Debian, as root.
	go build -o bin/bench ./test/bench
	hack/test-env.sh -- bin/bench -controller $(BIN)

.PHONY: growth
growth: build ## Measure 100 to 100,000 sessions, into docs/performance. Debian, as root.
	go build -o bin/bench ./test/bench
	hack/test-env.sh -- bin/bench -controller $(BIN) -growth docs/performance
	go -C test/chart run . '$(CURDIR)/docs/performance'

.PHONY: profile
profile: build ## Leave CPU and heap profiles of every figure in bin/profiles. Debian, as root.
	go build -o bin/bench ./test/bench
	hack/test-env.sh -- bin/bench -controller $(BIN) -out bin/profiles.json -profiles bin/profiles

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run the linters. The first time builds golangci-lint (about a minute).
	$(GOLANGCI_LINT) run
	for module in $(MODULES); do (cd "$$module" && '$(CURDIR)/$(GOLANGCI_LINT)' run --config '$(CURDIR)/.golangci.yml'); done

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code and sort its imports.
	$(GOLANGCI_LINT) fmt

.PHONY: tidy
tidy: ## Bring go.mod and go.sum up to date.
	go mod tidy
	for module in $(MODULES); do go -C "$$module" mod tidy; done

.PHONY: rules
rules: ## Check and test the alert rules, and check the board's queries.
	hack/check-rules.sh

.PHONY: verify
verify: ## Check that go mod tidy, gofmt and go generate would change nothing.
	hack/verify.sh . $(MODULES)

$(GOLANGCI_LINT):
	GOBIN='$(CURDIR)/$(@D)' go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

$(GOTESTSUM):
	GOBIN='$(CURDIR)/$(@D)' go install gotest.tools/gotestsum@$(GOTESTSUM_VERSION)
