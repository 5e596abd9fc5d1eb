# tripod: `make help` lists what there is. Needs git, make, gcc, Go 1.26 and, for the private servers, apt and npm.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Packages that make test runs, and flags for go test: make test PKG=./dumper/... TESTFLAGS='-run TestW3 -v'
# The longest come first, so that the last to end is a short one; a package that is named twice is tested once.
PKG ?= ./pitr ./tests/cli ./dumper ./tests/history ./binlog/source ./binlog/archive ./...
TESTFLAGS ?=
# Packages tested at once. Each may run several MySQL servers of 270 MB.
JOBS ?= 2
# The longest that one package's tests may take.
TIMEOUT ?= 15m
SEED ?= 1
HISTORIES ?= 150
KILLS ?= 150
# A recorded history that make history runs again instead of a new one.
RECORD ?=
# Further flags for demo, history and soak.
ARGS ?=

# What `tripod version` prints.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

GOLANGCI_LINT_VERSION := v2.15.0
golangci_lint := bin/golangci-lint-$(GOLANGCI_LINT_VERSION)

# For what compiles and lints and is over soon: the heap may grow to five times what is in use, or to the limit, before it is
# collected. Tests, and what they build, run without.
COLLECT_LESS := GOGC=400 GOMEMLIMIT=2GiB
# The flags of make build. The go command compiles a package once for all that have the same flags: with these, the standard
# library and what else a tool shares with tripod need not be compiled for it again.
AS_BUILD = CGO_ENABLED=0 GOFLAGS="$${GOFLAGS:-} -trimpath"

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: servers
servers: ## install MySQL 9.7 and 5.6, MariaDB 10.11, jq and zstd privately under .servers/ (TRIPOD_TEST_MYSQLD=/path/to/mysqld uses your own 9.7 instead)
	@scripts/servers.sh

.PHONY: server
server:
	@scripts/servers.sh mysql-9.7

.PHONY: build
build: ## build bin/tripod: static, without failpoints
	$(COLLECT_LESS) CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/tripod ./cmd/tripod

# The overlay switches failpoints on in tests and in whatever the tests build; no file of the work tree changes. The vet of
# go test is part of make lint; without it, and without the debugger's tables, each of the test binaries is there sooner.
# At its end each would sleep for a second, in case what still runs then has a race: goleak holds the packages that start
# anything to leave nothing running.
.PHONY: test
test: servers ## run all tests, with the race detector and failpoints, against real servers (PKG=, TESTFLAGS=, JOBS=)
	@overlay=$$($(AS_BUILD) go run ./scripts/failpoints) && export GOFLAGS="$${GOFLAGS:-} '-overlay=$$overlay'" GORACE="atexit_sleep_ms=10 $${GORACE:-}" && \
	set -x && go test -race -vet=off -ldflags='-s -w' -count=1 -p $(JOBS) -timeout $(TIMEOUT) $(TESTFLAGS) $(PKG)

.PHONY: lint
lint: $(golangci_lint) ## golangci-lint, with the import table of ARCHITECTURE.md
	$(COLLECT_LESS) $(AS_BUILD) $(golangci_lint) run --allow-parallel-runners

$(golangci_lint):
	@mkdir -p bin/install
	$(COLLECT_LESS) $(AS_BUILD) GOBIN=$(CURDIR)/bin/install go install -ldflags '-s -w' github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	@mv bin/install/golangci-lint $@ && rmdir bin/install

.PHONY: demo
demo: server build ## the whole story: live writers, archive, backup, a mistake, the restore of the second before it
	go run ./tests/cmd/demo $(ARGS)

# tripod with active failpoints: chunks of a few rows, time between them.
.PHONY: build-failpoints
build-failpoints:
	@overlay=$$(go run ./scripts/failpoints) && go build "-overlay=$$overlay" -o bin/tripod-failpoints ./cmd/tripod

.PHONY: history
history: servers build-failpoints ## one random history, backed up and restored at several points (SEED=n, ARGS="-features a,b -without c"; -list tells all)
	go run ./tests/cmd/history $(if $(RECORD),-replay $(RECORD),-seed $(SEED)) $(ARGS)

.PHONY: soak
soak: servers build-failpoints ## many random histories (HISTORIES=n of each setting, ARGS="-settings all -quick -parallel 2 -go-on")
	go run ./tests/cmd/history -soak $(HISTORIES) $(ARGS)

.PHONY: soak-kill
soak-kill: servers build-failpoints ## kill -9 archivers, backups, restores, sources and targets (KILLS=n)
	go run ./tests/cmd/history -kill-soak $(KILLS) $(ARGS)

.PHONY: hold
hold: server build ## a backup of 1 GB beside writers and 100 ALTERs: who held, who waited, for how long
	go run ./tests/cmd/hold $(ARGS)

.PHONY: replay-speed
replay-speed: server build ## the replay of 60,000 sysbench transactions beside mysqlbinlog | mysql
	@scripts/servers.sh sysbench
	go run ./tests/cmd/replayspeed $(ARGS)

.PHONY: mutants
mutants: server ## each rule switched off by a failpoint, and the test that fails (ARGS="-histories 50" counts random histories until one fails)
	go run ./tests/cmd/mutants $(ARGS)

.PHONY: window
window: HISTORIES = 20000
window: server ## the rules of the window in random histories of small tables, and naive rules that fail there (HISTORIES=n for each, ARGS='-seed n' tells one)
	go run ./tests/cmd/window -histories $(HISTORIES) $(ARGS)

.PHONY: clean
clean: ## remove what was built (bin/, .cache/); the servers stay
	rm -rf bin .cache

.PHONY: clean-all
clean-all: clean ## clean, and remove the servers
	rm -rf .servers
