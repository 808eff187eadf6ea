#!/usr/bin/env bash
# Vitest, and the tests that need neither TensorFlow nor a browser (tests/light.txt): under a minute on two cores.
# Arguments go to pytest: bash scripts/quick.sh -k nan
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
setup_python dev
setup_node
cd "$ROOT"

logs="$(mktemp -d)"
trap 'rm -rf "$logs"' EXIT
# TensorFlow and Keras are as if they were not installed: a light test that came to need them fails here.
export PYTHONPATH="$ROOT/tests/without_tensorflow${PYTHONPATH:+:$PYTHONPATH}"
light="$(grep -v '^#' tests/light.txt)"
# share N: half of the files. Most of them wait for a server, so that two processes take half the time.
share() {
    local code=0
    # shellcheck disable=SC2086  # a list of paths
    "$VENV/bin/python" -m pytest --quiet --share "$1/2" $light "${@:2}" || code=$?
    [ "$code" -eq 5 ] || return "$code" # nothing was chosen of this half
}

status=0
share 1 "$@" >"$logs/1" 2>&1 &
first=$!
(cd frontend && npm test --silent) >"$logs/vitest" 2>&1 &
vitest=$!
share 2 "$@" || status=1
wait "$first" || status=1
cat "$logs/1"
wait "$vitest" || status=1
tail -n 40 "$logs/vitest"
exit "$status"
