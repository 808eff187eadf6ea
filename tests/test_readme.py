"""The README: its code runs, what it links to is there."""

from __future__ import annotations

import importlib.util
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import tb_activations as tba
from tb_activations.eventfile.last_step import last_step

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
# MNIST is a download; noise of the same shapes and types stands in for it.
FEW_IMAGES = """
import keras, numpy as np
noise = np.random.default_rng(0).integers(0, 256, (64, 28, 28), dtype=np.uint8)
digits = np.arange(64, dtype=np.uint8) % 10
keras.datasets.mnist.load_data = lambda: ((noise, digits), (noise, digits))
"""


def code_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="needs TensorFlow")
def test_code_in_the_readme_runs_and_logs(tmp_path):
    """Each block of Python runs as it stands and leaves records in its log directory."""
    for block in code_blocks():
        script = FEW_IMAGES + block
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    for run, tags in {"mnist": {"conv2d", "dense"}, "mine": {"conv1"}}.items():
        files = list((tmp_path / "logs" / run).iterdir())
        assert files
        logged = b"".join(path.read_bytes() for path in files)
        assert all(tag.encode() in logged for tag in tags), run


def test_the_callback_example_is_short():
    """The first example has about ten lines, names of classes and a map of the answer included."""
    assert len(code_blocks()[0].splitlines()) <= 15


def documents() -> list[Path]:
    pages = sorted((ROOT / "docs").glob("*.md"))
    return [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + pages


def links(document: Path) -> list[str]:
    """The relative targets of a document's links and pictures, code left out."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in found if not target.startswith(("http:", "https:"))]


def anchors(document: Path) -> set[str]:
    """What a link may name after `#`: each heading as its renderers write it."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    """Every relative link and picture of the documents is in the repository, its heading too."""
    for target in links(document):
        name, _, anchor = target.partition("#")
        page = document.parent / name if name else document
        assert page.exists(), target
        assert not anchor or anchor in anchors(page), target


def test_the_index_leads_to_every_page():
    """docs/index.md links each other page of docs/."""
    index = ROOT / "docs" / "index.md"
    linked = {target.partition("#")[0] for target in links(index)}
    assert {page.name for page in index.parent.glob("*.md")} - {"index.md"} <= linked


needs_tree = pytest.mark.skipif(
    not (ROOT / "tb_activations").exists(), reason="the package is installed, and not a tree"
)


@needs_tree
def test_pictures_lead_to_the_source_only_where_it_has_an_address(monkeypatch):
    """Links of the description are absolute by `project_urls`; without it they are as they are."""
    monkeypatch.setattr("setuptools.setup", lambda **_: None)
    description = runpy.run_path(str(ROOT / "setup.py"))["description"]
    text = README.read_text(encoding="utf-8")
    assert description({}) == text
    published = description({"Source": "https://example.org/me/it/"})
    version = f"v{tba.__version__}"
    assert f"](https://example.org/me/it/raw/{version}/docs/pictures/dashboard.png)" in published
    assert f"](https://example.org/me/it/blob/{version}/docs/capture.md)" in published
    assert not re.search(r"\]\((?!https?:|#)", published)


def test_the_writers_of_where_log(tmp_path, monkeypatch):
    """The example of docs/where.md for PyTorch's writer logs as it stands."""
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "where.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "where.md", "exec"), {})
    assert last_step("logs/torch") == 2


@pytest.mark.skipif(
    not (ROOT / "tb_activations").exists(), reason="the package is installed, and not a tree"
)
def test_the_map_leads_to_files_that_are_there():
    """Every path in the table of CONTRIBUTING that says where things are exists."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("## Where things are")[1].split("\n## ")[0]
    paths = [path for path in re.findall(r"`([\w/.]+)`", table) if "/" in path]
    assert len(paths) >= 15
    roots = (ROOT, ROOT / "tb_activations", ROOT / "frontend" / "src")
    for path in paths:
        assert any((root / path).exists() for root in roots), path
