#!/usr/bin/env bash
# The short benchmarks, set-up included; arguments go to `python -m benchmarks`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/setup.sh"
setup_python dev
setup_node
setup_chromium
cd "$ROOT"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
    -r benchmarks/requirements.txt
exec "$VENV/bin/python" -m benchmarks "$@"
