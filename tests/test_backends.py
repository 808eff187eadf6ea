"""`capture` and the callback on Keras' other backends, each in a process of its own.

A few kinds of models and the callback's main promises; all of them with TBA_SOAK=1.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
QUICK = (
    "(kind and (ConvNet or Shared or Stacked or scan or Subclassed)) or a_loop or nan "
    "or each_epoch or bit_identical or every_batch or leaves_weights"
)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_another_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed; `pip install {backend}` to run this")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    chosen = [] if os.environ.get("TBA_SOAK") else ["-k", QUICK]
    files = [str(HERE / "test_probe.py"), str(HERE / "test_callback.py")]
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [*command, *files, *chosen], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:]
