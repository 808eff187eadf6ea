#!/usr/bin/env bash
# What ruff and Biome can mend by themselves, written.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
setup_python dev
setup_node
cd "$ROOT"

status=0
"$VENV/bin/ruff" check --fix . || status=1
"$VENV/bin/ruff" format . || status=1
npm --prefix frontend run fix --silent || status=1
exit "$status"
