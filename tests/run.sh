#!/usr/bin/env bash
# All tests, set-up included: pytest (whole-server and browser tests among them) and Vitest.
#
#   bash tests/run.sh                    everything
#   bash tests/run.sh --setup            the set-up alone
#   bash tests/run.sh tests/test_x.py …  pytest with these arguments alone
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/setup.sh"

setup_python dev
setup_node
setup_chromium
setup_nginx
[ "${1:-}" = "--setup" ] && exit 0

cd "$ROOT"
if [ $# -gt 0 ]; then
    exec "$VENV/bin/python" -m pytest "$@"
fi

status=0
say "Vitest"
(cd frontend && npm test --silent) || status=1
say "pytest"
"$VENV/bin/python" -m pytest --quiet || status=1
[ "$status" -eq 0 ] || say "some tests failed"
exit "$status"
