#!/usr/bin/env bash
# All tests, set-up included: pytest (whole-server and browser tests among them) and Vitest.
#
#   bash tests/run.sh                    everything; the last line counts it
#   bash tests/run.sh --setup            the set-up alone
#   bash tests/run.sh tests/test_x.py …  pytest with these arguments alone
#
# The browser's tests run beside the others, in a process of their own; what they print comes afterwards.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/setup.sh"

setup_tests
[ "${1:-}" = "--setup" ] && exit 0

cd "$ROOT"
if [ $# -gt 0 ]; then
    exec "$VENV/bin/python" -m pytest "$@"
fi

status=0
logs="$(mktemp -d)"
beside=""
others=""
# shellcheck disable=SC2317,SC2329  # called by the trap
end() {
    # shellcheck disable=SC2086  # two numbers or fewer
    [ -z "$beside$others" ] || kill $beside $others 2>/dev/null || true
    rm -rf "$logs"
}
trap end EXIT
trap 'exit 130' INT TERM

"$VENV/bin/python" -m pytest --quiet tests/browser >"$logs/browser" 2>&1 &
beside=$!
say "Vitest"
(cd frontend && npm test --silent) || status=1
say "pytest, but for the browser's tests, which run beside it"
# In the background, so that a signal is heard at once, and through a pipe with a name, so that its end can be waited for.
mkfifo "$logs/pipe"
tee "$logs/others" <"$logs/pipe" &
shown=$!
"$VENV/bin/python" -m pytest --quiet --ignore tests/browser >"$logs/pipe" 2>&1 &
others=$!
wait "$others" || status=1
others=""
wait "$shown"
say "pytest of the browser's tests"
wait "$beside" || status=1
beside=""
cat "$logs/browser"
[ "$status" -eq 0 ] || say "some tests failed"
"$VENV/bin/python" scripts/tally.py "$logs/others" "$logs/browser" || status=1
exit "$status"
