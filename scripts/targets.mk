# What people type. Every target first installs what it needs and is missing (scripts/setup).
.DEFAULT_GOAL := help

.PHONY: docs help up down status logs demo test test-compose mutants check coverage bench bench-peers fuzz lint clean-data clean setup-build setup-unit setup-run setup-test setup-peers setup-engine setup-fuzz

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1#/p' scripts/targets.mk | awk -F'#' '{ printf "  make %-12s %s\n", $$1, $$2 }'
	@echo "  make build        compiles every program into build/; SAN=1: with sanitizers, COV=1: with coverage"

up: setup-run ## builds and starts everything; again: only what has changed
	@$(MAKE) --no-print-directory -j$$(nproc) programs
	@scripts/stack up

down: ## stops everything; the data stays
	@if [ -d var/dev ]; then scripts/stack down; else echo "nothing is up"; fi

status: ## what runs
	@scripts/stack status

logs: ## follows one service's log: make logs NAME=reservation-1
	@scripts/stack logs $(NAME)

demo: up ## one buyer's whole way, with the real answers
	@scripts/demo

test: setup-test ## every test, against a stack of its own that runs beside that of make up
	@scripts/test-all

test-compose: setup-engine ## docker-compose.yml in a real engine: healthy, the demo, scaled, one killed, stopped
	@tests/compose/run

mutants: setup-test ## breaks rules, one at a time, and sees whether their tests notice: tests/mutants/rules.toml
	@tests/mutants/run

fuzz: setup-fuzz ## libFuzzer on every parser, a minute each: tests/fuzz/run --help
	@tests/fuzz/run

check: setup-unit ## unit tests only, in seconds
	@scripts/test-all unit

coverage: setup-test ## every C test with coverage: build/cov/coverage.html
	@scripts/test-all coverage

bench: setup-test ## the rows of tests/load/bench, as a table and as JSON
	@tests/load/bench

bench-peers: setup-peers ## we and others doing the same work, alternately: tests/load/peers/README.md
	@tests/load/bench-peers

lint: setup-test ## layers, vendor headers, banned functions, SQL, sizes, format, documents
	@$(MAKE) --no-print-directory -j$$(nproc) programs
	@scripts/lint

docs: build ## makes docs/configuration.md anew from the settings' tables
	@build/boxctl config --manual >docs/configuration.md

clean-data: ## stops everything and forgets its data
	@scripts/stack clean-data

clean: ## removes what was compiled
	@rm -rf build

setup-build setup-unit setup-run setup-test setup-peers setup-engine setup-fuzz: setup-%:
	@scripts/setup $*
