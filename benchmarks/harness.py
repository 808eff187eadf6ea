"""One process a measurement, targets as met or missed, tables as Markdown.

A benchmark is a module with `sections(full) -> list[Section]`; `python -m benchmarks` runs them
and writes docs/benchmarks.md. Absolute times differ from machine to machine: ratios count.
"""

from __future__ import annotations

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

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Target:
    """One figure against its limit; `floor` names what physics would allow, with its figure."""

    name: str
    figure: float
    limit: float
    unit: str = ""
    at_least: bool = False
    floor: str = ""

    @property
    def met(self) -> bool:
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def row(self) -> list[str]:
        limit = f"{'≥' if self.at_least else '≤'} {self.limit:g}{self.unit}"
        verdict = "met" if self.met else "**missed**"
        return [self.name, f"{self.figure:.3g}{self.unit}", limit, verdict, self.floor]


@dataclass(frozen=True)
class Section:
    """A heading, a paragraph, a table and the targets that its figures answer."""

    title: str
    text: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target] = field(default_factory=list)

    def markdown(self) -> str:
        parts = [f"## {self.title}", self.text, table(self.header, self.rows)]
        if self.targets:
            header = ["target", "figure", "limit", "", "floor"]
            parts.append(table(header, [target.row() for target in self.targets]))
        return "\n\n".join(part for part in parts if part)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [list(header), ["---"] * len(header), *[list(row) for row in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """The processor, its cores, and the versions that matter."""
    from importlib import metadata

    names = ["tensorflow", "tensorflow-cpu", "keras", "tensorboard", "numpy", "pillow"]
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


@dataclass(frozen=True)
class Cost:
    """Medians over repeats, in seconds: wall clock of the calling thread, CPU of the process."""

    wall: float
    cpu: float
    spread: float

    def json(self) -> dict[str, float]:
        return {"wall": self.wall, "cpu": self.cpu, "spread": self.spread}


def cost(work: Callable[[], Any], repeats: int = 5, warm: int = 1) -> Cost:
    """What `work` costs; spread is (max − min) ÷ median of the wall times."""
    for _ in range(warm):
        work()
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    median = statistics.median(walls)
    return Cost(median, statistics.median(cpus), (max(walls) - min(walls)) / median)


def megabytes(size: float) -> str:
    return f"{size / 1e6:.2f} MB"
