#!/usr/bin/env bash
# All tests, set-up included: pytest (whole-server and browser tests among them) and Vitest.
#
#   bash tests/run.sh                    everything; the last line counts it
#   bash tests/run.sh --setup            the set-up alone
#   bash tests/run.sh tests/test_x.py …  pytest with these arguments alone
#
# Vitest and the browser's tests, in two halves, run beside the others; what they print comes afterwards.
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
running=""
# shellcheck disable=SC2317,SC2329  # called by the trap
end() {
    # shellcheck disable=SC2086  # a list of numbers
    [ -z "$running" ] || kill $running 2>/dev/null || true
    rm -rf "$logs"
}
trap end EXIT
trap 'exit 130' INT TERM

# beside NAME COMMAND...: in the background, so that a signal is heard at once; what it prints is kept under that name.
beside() {
    local name="$1"
    shift
    "$@" >"$logs/$name" 2>&1 &
    running="$running $!"
}

# Three, since a test that waits leaves its core to the others.
beside browser-1 "$VENV/bin/python" -m pytest --quiet --share 1/2 tests/browser
beside browser-2 "$VENV/bin/python" -m pytest --quiet --share 2/2 tests/browser
beside vitest npm --prefix frontend test --silent
# Shown as it goes on, through a pipe with a name, so that its end can be waited for.
mkfifo "$logs/pipe"
tee "$logs/others" <"$logs/pipe" &
shown=$!
say "pytest, but for the browser's tests, which run beside it"
"$VENV/bin/python" -m pytest --quiet --ignore tests/browser >"$logs/pipe" 2>&1 &
running="$! $running"
for one in $running; do
    wait "$one" || status=1
done
running=""
wait "$shown"
for name in vitest browser-1 browser-2; do
    say "$name"
    cat "$logs/$name"
done
[ "$status" -eq 0 ] || say "some tests failed"
"$VENV/bin/python" scripts/tally.py "$logs/others" "$logs/browser-1" "$logs/browser-2" || status=1
exit "$status"
