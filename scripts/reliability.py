"""Writes what a soak found into docs/reliability.md, below its marker.

    python scripts/reliability.py DIRECTORY [DOCUMENT]

DIRECTORY is what scripts/soak.sh leaves: `figures.md`, a line of Markdown a figure
(tests/report.py); `tests.xml`, pytest's report of the full counts, and `tests.txt`, what pip lists;
for each session of noxfile.py the same two files and `SESSION.outcome`, a word; `audit.txt`, a line
a tool; and `PART.seconds` of each part.
"""

from __future__ import annotations

import os
import platform
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
MARKER = "<!-- what follows is written by `make soak` -->"
PACKAGES = ("tensorboard", "tensorflow", "keras", "numpy", "protobuf", "pillow", "werkzeug")


@dataclass(frozen=True)
class Case:
    """One test of a pytest report; `reason` says why it was skipped or how it failed."""

    module: str
    name: str
    outcome: str  # "passed", "failed" or "skipped"
    seconds: float
    reason: str


def cases(junit: Path) -> list[Case]:
    """The tests of a report; none where pytest did not get to write one."""
    if not junit.exists():
        return []
    return [_case(found) for found in ElementTree.parse(junit).iter("testcase")]


def _case(found: ElementTree.Element) -> Case:
    outcome, reason = "passed", ""
    for child in found:
        if child.tag in ("failure", "error", "skipped"):
            outcome = "skipped" if child.tag == "skipped" else "failed"
            reason = (child.get("message") or "").splitlines()[0] if child.get("message") else ""
    module = found.get("classname", "").removeprefix("tests.").replace(".", "/")
    return Case(module, found.get("name", ""), outcome, float(found.get("time", 0)), reason)


def table(head: str, rows: list[list[object]]) -> list[str]:
    """A Markdown table, with an empty line before it."""
    columns = head.split(", ")
    lines = ["", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return lines + [f"| {' | '.join(map(str, row))} |" for row in rows]


def tally(found: list[Case]) -> list[object]:
    outcomes = Counter(case.outcome for case in found)
    return [outcomes["passed"], outcomes["failed"], outcomes["skipped"]]


def modules(found: list[Case]) -> list[str]:
    """A row for each module of the full counts."""
    by_module: dict[str, list[Case]] = defaultdict(list)
    for case in found:
        by_module[case.module].append(case)
    rows = [
        [name, *tally(those), f"{sum(case.seconds for case in those):.0f}"]
        for name, those in sorted(by_module.items())
    ]
    rows.append(["all", *tally(found), f"{sum(case.seconds for case in found):.0f}"])
    return table("module, passed, failed, skipped, seconds", rows)


def remarks(of: str, found: list[Case]) -> Iterator[str]:
    """A line for each test that failed, and for each reason for which some were skipped."""
    for case in found:
        if case.outcome == "failed":
            yield f"- {of}: FAILED {case.module} {case.name}"
    skipped = Counter(case.reason for case in found if case.outcome == "skipped")
    for reason, count in sorted(skipped.items()):
        yield f"- {of}: {count} skipped: {reason}"


def versions(listed: Path) -> str:
    """`tensorboard 2.16.2, …` of what `pip list --format=freeze` printed."""
    if not listed.exists():
        return "not installed"
    pairs = [line.split("==") for line in listed.read_text().split() if "==" in line]
    installed = {
        name.lower().replace("_", "-").removesuffix("-cpu"): version for name, version in pairs
    }
    return ", ".join(f"{name} {installed[name]}" for name in PACKAGES if name in installed)


def sessions(directory: Path) -> list[str]:
    """A row for each session, and what was skipped or failed in it."""
    rows: list[list[object]] = []
    notes: list[str] = []
    for path in sorted(directory.glob("*.outcome")):
        name, outcome = path.stem, path.read_text().strip()
        seconds = (directory / f"{name}.seconds").read_text().strip()
        found = cases(directory / f"{name}.xml")
        rows.append([name, outcome, *tally(found), seconds, versions(directory / f"{name}.txt")])
        notes += remarks(name, found)
    if not rows:
        return ["", "The sessions were left out."]
    head = "session, outcome, passed, failed, skipped, seconds, installed"
    return [*table(head, rows), "", *notes]


def audits(directory: Path) -> list[str]:
    path = directory / "audit.txt"
    return ["", *(f"- {line}" for line in path.read_text().splitlines())] if path.exists() else []


def main(logs: str, document: str = "docs/reliability.md") -> None:
    directory, target = Path(logs), ROOT / document
    found = cases(directory / "tests.xml")
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    installed = f"Python {platform.python_version()}, {versions(directory / 'tests.txt')}"
    parts = [MARKER, "", "## The last soak", ""]
    seconds = sum(int(path.read_text()) for path in directory.glob("*.seconds"))
    parts.append(f"{machine}, {seconds // 60} minutes. The full counts ran on {installed}.")
    figures = directory / "figures.md"
    parts += ["", figures.read_text().rstrip() if figures.exists() else ""]
    parts += modules(found) if found else ["", "The full counts were left out, or wrote no report."]
    parts += ["", *remarks("full counts", found), *sessions(directory), *audits(directory)]
    before = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").split(MARKER)[0]
    text = "\n".join(parts)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    target.write_text(before + text.rstrip() + "\n", encoding="utf-8")
    print(f"wrote {document}")


if __name__ == "__main__":
    main(*sys.argv[1:])
