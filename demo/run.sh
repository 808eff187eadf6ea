#!/usr/bin/env bash
# The demo, set-up included: trains a small ConvNet on real images, then opens TensorBoard on what it logged.
#
#   bash demo/run.sh [--framework keras|torch] [--dataset digits|mnist|cifar10] [--epochs N] [--port N] [--no-serve]
#
# --framework torch trains the same network with PyTorch, in .venv-torch, where neither TensorFlow nor Keras is.
# --no-serve ends after training. Ctrl-C ends TensorBoard.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/setup.sh"

serve=yes
port=6006
framework=keras
train=()
while [ $# -gt 0 ]; do
    case "$1" in
    --no-serve) serve=no ;;
    --framework)
        framework="${2:?--framework needs keras or torch}"
        shift
        ;;
    --port)
        port="${2:?--port needs a number}"
        shift
        ;;
    *) train+=("$1") ;;
    esac
    shift
done

case "$framework" in
keras) setup_python demo ;;
torch) setup_torch demo ;;
*) fail "--framework is '$framework'; it must be keras or torch" ;;
esac
cd "$ROOT"
"$VENV/bin/python" -m demo.train --framework "$framework" ${train[@]+"${train[@]}"}
[ "$serve" = yes ] || exit 0
exec "$VENV/bin/python" -m demo.serve demo/logs --port "$port"
