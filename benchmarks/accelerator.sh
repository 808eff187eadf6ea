#!/usr/bin/env bash
# What logging costs beside an accelerator: a Markdown table on stdout, $OUT/accelerator.json.
#
# Needs no network and no TensorFlow: PyTorch (with torchvision or timm) and JAX, as far as they
# are there, NumPy, Pillow, tensorboard. Wheels of what is missing (isal, google-crc32c) can lie in
# $WHEELS (.whl by default). Arguments go on: --tiny for a smoke test on a CPU, --seconds N.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PYTHON="${PYTHON:-python3}"
wheels="${WHEELS:-.whl}"
site="$(mktemp -d)"
trap 'rm -rf "$site"' EXIT
if compgen -G "$wheels/*.whl" >/dev/null; then
    "$PYTHON" -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir \
        --target "$site" "$wheels"/*.whl || echo "the wheels in $wheels could not be installed"
fi
export PYTHONPATH="$PWD:$site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
export XLA_PYTHON_CLIENT_PREALLOCATE=false TF_CPP_MIN_LOG_LEVEL=3
"$PYTHON" -m benchmarks.accelerator --output "${OUT:-/tmp}" "$@"
