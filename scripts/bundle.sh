#!/usr/bin/env bash
# Builds the dashboard into tb_activations/static/index.js.
#   --check: fails where the committed bundle is not what the sources build.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
setup_node
cd "$ROOT"

(cd frontend && npm run build --silent)
if [ "${1:-}" = "--check" ] && [ -n "$(git status --porcelain -- tb_activations/static)" ]; then
    git --no-pager diff --stat -- tb_activations/static
    fail "tb_activations/static is not what frontend/ builds: run 'make bundle' and commit the result"
fi
