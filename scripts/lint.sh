#!/usr/bin/env bash
# Lint, types and dead code of the Python and of the TypeScript; every part runs, whatever an earlier one found.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
setup_python dev
setup_node
cd "$ROOT"

status=0
# part COMMAND...
part() {
    say "$@"
    "$@" || status=1
}
part "$VENV/bin/ruff" check .
part "$VENV/bin/ruff" format --check .
part "$VENV/bin/mypy"
part "$VENV/bin/vulture"
part npm --prefix frontend run check --silent
part npm --prefix frontend run unused --silent
exit "$status"
