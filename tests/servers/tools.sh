#!/usr/bin/env bash
# What a bare Debian machine needs beside Rust: installs it when root, else says exactly what to install.
set -euo pipefail
missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)          # rusqlite compiles SQLite from source
command -v python3 >/dev/null || missing+=(python3)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
command -v cargo >/dev/null || { echo "Rust is missing: install the stable toolchain (rustup), then run this again." >&2; exit 1; }
[ ${#missing[@]} = 0 ] && exit 0
if [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o DPkg::Lock::Timeout=600 update -qq
  apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "Missing: ${missing[*]}. Run: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
