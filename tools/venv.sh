#!/usr/bin/env bash
# Make a virtual environment and install a lock file into it, every file checked by its hash.
# usage: tools/venv.sh PYTHON DIRECTORY LOCK
set -euo pipefail
python=$1 directory=$2 lock=$3

fail() {
  printf '\n%s\n' "$@" >&2
  exit 1
}

command -v "$python" >/dev/null 2>&1 || fail \
  "'$python' was not found; Python 3.11 or newer is needed." \
  "On Debian: apt install python3 python3-venv. Elsewhere installed: make PYTHON=/path/to/python3.11 …"

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail \
  "'$python' is $("$python" --version 2>&1); Python 3.11 or newer is needed." \
  "Name another one: make PYTHON=python3.11 …"

# Debian ships ensurepip, without which a new environment has no pip, in a package of its own.
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail \
  "'$python' cannot make virtual environments: its venv module is missing." \
  "On Debian: apt install python3-venv"

# A virtual environment holds absolute paths: one that was copied along with its
# tree still works, but on the tree it came from.
here=$(cd "$(dirname "$directory")" && pwd)/$(basename "$directory")

if [ -d "$directory" ] && [ "$(cat "$directory/.home" 2>/dev/null)" != "$here" ]; then
  rm -rf "$directory"
fi

if [ ! -x "$directory/bin/python" ]; then
  "$python" -m venv "$directory"
  printf '%s\n' "$here" >"$directory/.home"
fi

"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r "$lock"
