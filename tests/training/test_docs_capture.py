"""The examples of docs/capture.md run as they stand."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

from tb_activations.eventfile.last_step import last_step
from tb_activations.export import cli as export

PAGE = Path(__file__).parents[2] / "docs" / "capture.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_examples_run_and_log(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    monkeypatch.chdir(tmp_path)
    Path("page.py").write_text("\n".join(blocks("python")), encoding="utf-8")
    runpy.run_path("page.py")  # from a file: AutoGraph reads the source
    assert last_step("logs/run1") == 2
    assert last_step("logs/afterwards") == 2
    assert last_step("logs/loop") == 10
    assert last_step("logs/inside") == 7
    assert last_step("logs/script") == 2
    assert Path("conv2.png").stat().st_size > 1000
    for line in blocks("sh")[0].splitlines():
        command = shlex.split(line, comments=True)
        assert command[0] == "tb-activations" and export.main(command[1:]) == 0
    assert Path("channel5.gif").exists() and len(list(Path("arrays").rglob("*.npy"))) == 6
