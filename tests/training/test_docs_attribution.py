"""The examples of docs/attribution.md run as they stand."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
from logs import logged_steps

PAGE = Path(__file__).parents[2] / "docs" / "attribution.md"


def test_the_examples_run_and_have_the_shapes_that_the_page_says(tmp_path, monkeypatch):
    """Each line runs, and what it assigns has the shape in its comment."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    block = blocks[0]
    Path("page.py").write_text("".join(blocks), encoding="utf-8")
    names = runpy.run_path("page.py")
    shapes = re.findall(r"^(\w+) = tba\.attribute\(.*# (\[[\d, ]+\])", block, re.MULTILINE)
    assert len(shapes) == 3
    for name, shape in shapes:
        assert str(list(np.asarray(names[name]).shape)) == shape, name
    assert Path("cam.png").stat().st_size > 100
    assert names["curves"].deletion.shape == (8, 11)
    assert list(names["checked"].verdicts) == ["gradients", "grad_cam"]
    tags = logged_steps("logs/run1")
    assert tags["attribution/grad_cam"] == tags["attribution/integrated_gradients"] == [0, 1, 2, 3]
