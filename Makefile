# make run | test | loop OF=orders | check | bench | torture N=20 | docs — and nothing clever.
.DEFAULT_GOAL := help
SHELL := /bin/bash
N ?= 20
SEED ?=
OF ?= orders

help: ## this list
	@grep -E '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: tools ## a coffee chain with a day of orders, on http://localhost:8080
	cargo run --release --package samovar -- demo

test: tools ## every test, on SQLite and on a PostgreSQL that it starts and stops itself
	POSTGRES_OPTIONS=fsync=off tests/servers/with-services.sh postgres -- tests/run.sh

loop: tools ## the tests of one crate on both databases, while you work on it: make loop OF=orders
	RUST_TEST_THREADS=4 POSTGRES_OPTIONS=fsync=off tests/servers/with-services.sh postgres -- cargo test --quiet --package $(OF)

check: tools ## format, lints, the rules of ARCHITECTURE.md, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo xtask tidy
	.ci/deny

torture: tools ## N times kill -9 under load, the audit after each
	TORTURE_ROUNDS=$(N) TORTURE_SEED=$(SEED) cargo test --release --package samovar --test it -- --nocapture kill_nine

bench: tools ## what it can bear, on this machine; ONLY="menu placement" runs parts
	tests/servers/with-services.sh postgres -- cargo bench --package samovar --bench bench -- $(ONLY)

docs: ## rewrites the generated documents (OpenAPI, errors, configuration, routes)
	cargo xtask docs

tools:
	@tests/servers/tools.sh

.PHONY: help run test loop check bench torture docs tools
