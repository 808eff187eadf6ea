#!/usr/bin/env bash
# The full counts of the reliability tests, and the compatibility sessions; writes docs/reliability.md.
#
#   bash scripts/soak.sh            everything (about an hour)
#   bash scripts/soak.sh --no-nox   without the compatibility sessions
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
setup_python dev
setup_node
setup_chromium
setup_nginx
cd "$ROOT"

report="$(mktemp)"
trap 'rm -f "$report"' EXIT
status=0

say "the reliability tests, full counts"
TBA_SOAK=1 TBA_REPORT="$report" "$VENV/bin/python" -m pytest -q --ignore tests/browser \
    --junitxml "$report.xml" || status=1

sessions=""
if [ "${1:-}" != "--no-nox" ]; then
    "$VENV/bin/pip" install --quiet nox
    for session in lowest newest-3.11 newest-3.12 newest-3.13 viewer-3.11 viewer-3.12 viewer-3.13; do
        say "nox: $session"
        if (cd "$ROOT" && "$VENV/bin/nox" -s "$session") >"$report.nox" 2>&1; then
            outcome="passed"
        else
            outcome="FAILED"
            status=1
        fi
        ! grep -qi "interpreter.*not found" "$report.nox" ||
            outcome="not run: no such Python on this machine"
        closing="$(grep -E '[0-9]+ passed' "$report.nox" | tail -n 1 | tr -d '=' || true)"
        sessions="$sessions| $session | $outcome | ${closing# } |"$'\n'
        tail -n 3 "$report.nox" >&2
    done
fi

"$VENV/bin/python" scripts/reliability.py "$report" "$report.xml" "$sessions"
exit "$status"
