#!/usr/bin/env bash
# The loop: TensorBoard on the demo's log, and a dashboard that is built anew at each change of frontend/src.
#
#   bash scripts/dev.sh [LOGDIR] [--port N]
#
# Edit, wait for "built in", reload the page. LOGDIR is demo/logs, for which the demo is trained where it is missing.
# A change in Python wants a restart: Ctrl-C ends all of it. Commit the bundle that `make bundle` builds.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

logdir=demo/logs
port=6006
while [ $# -gt 0 ]; do
    case "$1" in
    --port)
        port="${2:?--port needs a number}"
        shift
        ;;
    *) logdir="$1" ;;
    esac
    shift
done

setup_python demo
setup_node
cd "$ROOT"
[ "$logdir" != demo/logs ] || [ -d "$logdir" ] || "$VENV/bin/python" -m demo.train

# Groups of their own: npm does not hand on the signal that ends it, and what is started in the background ignores Ctrl-C.
set -m
(cd frontend && exec npx vite build --watch --logLevel info) </dev/null &
watch=$!
"$VENV/bin/python" -m demo.serve "$logdir" --port "$port" </dev/null &
server=$!
set +m
# shellcheck disable=SC2317,SC2329  # called by the trap
end() {
    kill -- "-$watch" "-$server" 2>/dev/null || true
    wait
}
trap end EXIT
trap 'exit 130' INT TERM
wait "$server"
