"""`capture`, the callback and `attribute` on Keras' other backends, each in its own process.

A few kinds of models, the callback's main promises and a closed form for each method of
attribution; all of them with TBA_SOAK=1.
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
CLOSED_FORMS = (
    "(linear_net and not midpoint) or class_activation_map or closed_form or favours "
    "or (passes_back and raw) or ignores_weights"
)
METHODS = ("smooth_grad", "occlusion", "guided", "lrp", "grad_cam_plus_plus", "randomization")
LOGGED = "last_maps"


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_another_backend(backend):
    run(backend, ["keras/test_capture.py", "keras/test_callback.py"], QUICK)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_attributions_on_another_backend(backend):
    """Each method is what its closed form says, and what is logged is what `attribute` gives."""
    files = [f"attribution/test_{part}.py" for part in ("attribution", *METHODS)]
    if os.environ.get("TBA_SOAK"):
        files += [f"attribution/test_{part}.py" for part in ("models", "references", "kinds")]
    run(backend, [*files, "keras/test_attributions.py"], f"({CLOSED_FORMS}) or {LOGGED}")


def run(backend, names, quick):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed; `pip install {backend}` to run this")
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    soak = bool(os.environ.get("TBA_SOAK"))
    chosen = [] if soak else ["-k", quick]
    files = [str(HERE / name) for name in names]
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if not soak:  # XLA takes longer to make the many small programs quick than they take to run
        environment["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"
    done = subprocess.run(
        [*command, *files, *chosen], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:]
