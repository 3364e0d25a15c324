#!/usr/bin/env bash
# Everything that `make test` runs once PostgreSQL is there (DATABASE_URL).
set -euo pipefail
cd "$(dirname "$0")/.."
: "${DATABASE_URL:?run make test: it starts PostgreSQL}"
cargo test --workspace --quiet
tests/schemathesis.sh
