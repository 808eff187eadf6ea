#!/usr/bin/env bash
# The demo, set-up included: trains a small ConvNet on real images, then opens TensorBoard on what it logged.
#
#   bash demo/run.sh [--dataset digits|mnist|cifar10] [--epochs N] [--port N] [--no-serve]
#
# --no-serve ends after training. Ctrl-C ends TensorBoard.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/setup.sh"

serve=yes
port=6006
train=()
while [ $# -gt 0 ]; do
    case "$1" in
    --no-serve) serve=no ;;
    --port)
        port="${2:?--port needs a number}"
        shift
        ;;
    *) train+=("$1") ;;
    esac
    shift
done

setup_python demo
cd "$ROOT"
"$VENV/bin/python" -m demo.train ${train[@]+"${train[@]}"}
[ "$serve" = yes ] || exit 0
exec "$VENV/bin/python" -m demo.serve demo/logs --port "$port"
