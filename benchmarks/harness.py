"""One process a measurement, targets as met or missed, tables as Markdown.

A benchmark is a module with `sections(full) -> list[Section]`; `python -m benchmarks` runs them
and writes docs/benchmarks.md. Absolute times differ from machine to machine: ratios count.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Target:
    """One figure against its limit; `floor` is what physics or the work itself would allow."""

    name: str
    figure: float
    limit: float
    unit: str = ""
    at_least: bool = False
    floor: str = field(kw_only=True)

    @property
    def met(self) -> bool:
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def row(self) -> list[str]:
        limit = f"{'≥' if self.at_least else '≤'} {self.limit:g}{self.unit}"
        verdict = "met" if self.met else "**missed**"
        return [self.name, f"{self.figure:.3g}{self.unit}", limit, verdict, self.floor]


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, a table, what it says of the rivals, and the targets it answers."""

    title: str
    text: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target] = field(default_factory=list)
    rivals: str = ""

    def markdown(self) -> str:
        parts = [f"## {self.title}", self.text, table(self.header, self.rows), self.rivals]
        if self.targets:
            header = ["target", "figure", "limit", "", "floor"]
            parts.append(table(header, [target.row() for target in self.targets]))
        return "\n\n".join(part for part in parts if part)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(header), ["---"] * len(header), *[list(row) for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def load() -> str:
    """What else the machine is doing, where it can be known: ", load average 0.3"."""
    return f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


def machine() -> str:
    """The processor, its cores, and the versions that matter."""
    from importlib import metadata

    names = ["tensorflow", "tensorflow-cpu", "keras", "tensorboard", "numpy", "pillow", "isal"]
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        names = [line.split(":")[1].strip() for line in text.splitlines() if "model name" in line]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def in_process(module: str, function: str, **arguments: Any) -> Any:
    """`module.function(**arguments)` in a fresh interpreter; arguments and result are JSON."""
    code = (
        "import importlib, json, sys\n"
        "module, function, arguments = json.loads(sys.argv[1])\n"
        "result = getattr(importlib.import_module(module), function)(**arguments)\n"
        "print('\\nRESULT ' + json.dumps(result))\n"
    )
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps([module, function, arguments])],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not lines:
        raise RuntimeError(f"{module}.{function}({arguments}) failed:\n{done.stderr[-3000:]}")
    return json.loads(lines[-1].removeprefix("RESULT "))


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """The median, and in brackets the quartiles: what a second run may well say."""
    if len(values) < 4:
        low, high = min(values), max(values)
    else:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{median(values):.2f} ({low:.2f}–{high:.2f})"


@functools.cache
def memory_bandwidth() -> float:
    """Bytes a second that one core reads: the best of five sums over 256 MB."""
    values = np.ones(1 << 25)
    best = min(_seconds(values.sum) for _ in range(5))
    return values.nbytes / best


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def megabytes(size: float) -> str:
    return f"{size / 1e6:.2f} MB"
