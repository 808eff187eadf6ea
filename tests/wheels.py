"""Builds the wheel from a copy of the tree, so that nothing old in build/ gets in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build_wheel(tree: Path) -> Path:
    """The path of the wheel; `tree` is made, and holds the copy."""
    tree.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tb_activations", tree / "tb_activations", ignore=skip)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(tree)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return next((tree / "dist").glob("*.whl"))
