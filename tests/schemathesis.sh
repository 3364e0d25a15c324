#!/usr/bin/env bash
# schemathesis: thousands of requests made from the committed OpenAPI document, good and bad, against the program itself, as
# an administrator, a manager, a barista, a guest and nobody, on SQLite and on the PostgreSQL of DATABASE_URL. No answer may be a
# server error or anything that the document does not say; afterwards the audit of what is left behind is clean.
#   SCHEMATHESIS_SEED=n makes the same requests again.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${DATABASE_URL:?run make test: it starts PostgreSQL}"
version=4.32.5
seed=${SCHEMATHESIS_SEED:-20261121}
tools=${XDG_CACHE_HOME:-$HOME/.cache}/samovar/schemathesis/$version
program=${CARGO_TARGET_DIR:-target}/debug
password=kettle-harbour-sonata-41
export SAMOVAR_PAYMENTS_BANK_SECRET="the bank's secret of this test"
export SCHEMATHESIS_FOLDER=$PWD/tests/schemathesis SCHEMATHESIS_PASSWORD=$password
die() { echo "schemathesis.sh: $*" >&2; exit 1; }

install() {
  [ -x "$tools/bin/st" ] && return 0
  python3 -c 'import venv, ensurepip' 2>/dev/null || die "python3 with venv and pip is missing: run tests/servers/tools.sh"
  rm -rf "$tools"
  python3 -m venv "$tools" || die "no virtual environment could be made in $tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" ||
    { rm -rf "$tools"; die "schemathesis $version could not be installed from the package index"; }
}

sql() {
  local found
  found=$(type -P psql || ls -d /usr/lib/postgresql/*/bin/psql | sort -V | tail -1)
  "$found" --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$DATABASE_URL" --command "$1"
}

work=$(mktemp -d) pids=() database=
cleanup() {
  trap - EXIT
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  [ -z "$database" ] || sql "DROP DATABASE IF EXISTS $database WITH (FORCE)" || true
  rm -rf "$work"
}
trap cleanup EXIT

# The first line that a program in the background writes: where it listens.
first_line() {
  local file=$1 pid=$2
  for _ in $(seq 1 300); do
    [ "$(wc -l <"$file")" -gt 0 ] && { head -1 "$file"; return 0; }
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work"/*.err >&2
  die "a program did not start"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Starts bank and program on empty data and sets a shop up.
open_shop() {
  local data=$1 bank address
  mkdir "$data"
  : >"$data/bank.out"
  printf %s "$SAMOVAR_PAYMENTS_BANK_SECRET" >"$data/secret"
  printf '%s\n' "$password" >"$data/password"
  "$program/sandbox-bank" --listen 127.0.0.1:0 --data-file "$data/bank.db" --secret-file "$data/secret" \
    >"$data/bank.out" 2>"$work/bank.err" & pids+=($!)
  bank=$(first_line "$data/bank.out" $!)
  address=127.0.0.1:$(free_port)
  settings=(--data "$data/data" --set "server.listen=$address" --set server.private_listen=127.0.0.1:0
    --set limits.enabled=false --set log.level=error --set "payments.public_url=http://$address"
    --set "payments.bank_url=$bank" --set payments.ask_after=500ms)
  "$program/samovar" admin create --email admin@fuzz.example --password-file "$data/password" "${settings[@]}" >/dev/null
  start "$data"
  export SCHEMATHESIS_ORIGIN=http://$address SCHEMATHESIS_SEEDED=$data/seeded.json
  python3 tests/schemathesis/seed.py "$SCHEMATHESIS_ORIGIN/api/v1" admin@fuzz.example "$password" >"$SCHEMATHESIS_SEEDED"
}

start() {
  : >"$1/serve.out"
  "$program/samovar" serve "${settings[@]}" >"$1/serve.out" 2>>"$work/serve.err" & pids+=($!)
  serving=$!
  first_line "$1/serve.out" "$serving" >/dev/null
}

# run ACTOR OPTION...: asks as this person.
run() {
  local actor=$1; shift
  local config=$SCHEMATHESIS_FOLDER/schemathesis.toml
  # Nobody has nothing to sign in with: the last part of the file is about that.
  [ "$actor" != nobody ] || { sed '/^# Signs in/,$d' "$config" >"$work/nobody.toml"; config=$work/nobody.toml; }
  echo "schemathesis as $actor, seed $seed"
  (cd "$work" && SCHEMATHESIS_EMAIL=$actor@fuzz.example "$tools/bin/st" --config-file "$config" run "$openapi" \
    --origin "$SCHEMATHESIS_ORIGIN" --seed "$seed" "$@" --continue-on-failure --no-color --warnings off \
    --generation-database none >"$work/$actor.log" 2>&1) || { cat "$work/$actor.log" "$work/serve.err"; die "failed as $actor"; }
  grep -A1 '^Test cases' "$work/$actor.log" | tail -1
}

# Stopped, then audited. What was under way at the stop gets a further start to be put right.
audit() {
  local report
  for _ in 1 2 3 4 5; do
    kill -TERM "$serving"
    wait "$serving" || { cat "$work/serve.err" >&2; die "the program ended with a failure"; }
    report=$("$program/samovar" audit --stopped "${settings[@]}") && { echo "audit clean"; return 0; }
    start "$1"
    sleep 2
  done
  echo "$report" >&2
  die "the audit is not clean"
}

install
cargo build --quiet --package samovar --package sandbox --bins
openapi=$PWD/contracts/schemas/openapi.json

echo "on SQLite"
open_shop "$work/sqlite"
run admin --max-examples 12
run barista --max-examples 12 --include-path-regex '/(receive|status|board|stop-list|stop-list/\{item_id\}|cancel|stock)$'
run manager --max-examples 12 --include-path-regex '/(receive|refunds|cancel|status|movements)$'
run guest --max-examples 4
run nobody --max-examples 2 --phases examples,coverage
audit "$work/sqlite"

echo "on PostgreSQL"
database=samovar_schemathesis_$$
sql "CREATE DATABASE $database TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
export SAMOVAR_DATABASE_URL=${DATABASE_URL%/*}/$database
open_shop "$work/postgres"
run admin --max-examples 6 --phases examples,fuzzing,stateful
run guest --max-examples 3 --phases examples,fuzzing
audit "$work/postgres"
