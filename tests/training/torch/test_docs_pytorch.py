"""The loop of docs/pytorch.md runs as it stands, and without TensorFlow."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

pytest.importorskip("torch", reason="needs PyTorch")

from training.torch.read import logged, steps

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "pytorch.md"


def test_the_loop_runs_and_logs_what_the_page_says(tmp_path):
    """Thirty lines, in an interpreter that has neither TensorFlow nor Keras."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 30
    without = str(ROOT / "tests" / "without_tensorflow")
    paths = os.pathsep.join(filter(None, [without, str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {tag for tag, _ in logged(tmp_path / "logs" / "pytorch")} == {
        "input",
        "0",
        "1",
        "2",
        "4",
    }
    assert steps(tmp_path / "logs" / "pytorch", "0") == [1, 5, 10, 15]
    (file,) = (tmp_path / "logs" / "pytorch").glob("events*.0")  # the writer's own, for other tabs
    loss = [e.step for e in EventFileLoader(str(file)).Load()
            for one in e.summary.value if one.tag == "loss"]  # fmt: skip
    assert loss == list(range(1, 17))
    first = logged(tmp_path / "logs" / "pytorch")
    assert first["1", 5].values.min() < 0 <= first["2", 5].values.min()
