"""Seconds and number of tests of each folder, printed after the tests; set-up included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

# Seconds that a folder may take on two cores that do nothing else, three processes at once;
# CONTRIBUTING.md has the same.
BUDGET = {
    "tests/record/": 20,
    "tests/eventfile/": 5,
    "tests/golden/": 10,
    "tests/sources/": 10,
    "tests/server/": 190,
    "tests/export/": 10,
    "tests/training/": 450,
    "tests/browser/": 930,
}


def by_folder(reports: Iterable[pytest.TestReport]) -> dict[str, tuple[int, float]]:
    """Tests and seconds of each folder; a file that lies in no folder stands for itself."""
    counts: dict[str, int] = defaultdict(int)
    seconds: dict[str, float] = defaultdict(float)
    for report in reports:
        path = Path(report.nodeid.split("::")[0])
        inside = path.parts[1:] if path.parts[0] == "tests" else path.parts
        folder = f"tests/{inside[0]}" + ("/" if len(inside) > 1 else "")
        seconds[folder] += report.duration
        counts[folder] += report.when == "call" or (report.when == "setup" and report.skipped)
    return {folder: (counts[folder], seconds[folder]) for folder in sorted(seconds)}


def table(reports: Iterable[pytest.TestReport]) -> list[str]:
    """A line for each folder, and one for all."""
    rows = by_folder(reports)
    rows["all"] = (sum(n for n, _ in rows.values()), sum(s for _, s in rows.values()))
    return [
        f"{folder:<32} {count:>5} tests {took:>7.1f} s" for folder, (count, took) in rows.items()
    ]
