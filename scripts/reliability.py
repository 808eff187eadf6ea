"""Writes what a soak measured into docs/reliability.md, below its marker.

    python scripts/reliability.py REPORT JUNIT_XML [SESSIONS]

REPORT holds a line of Markdown a figure (see tests/report.py), SESSIONS the rows of a table.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "reliability.md"
MARKER = "<!-- what follows is written by `make soak` -->"
PACKAGES = ("tensorboard", "tensorflow", "tensorflow-cpu", "keras", "numpy", "protobuf", "pillow")


def machine() -> str:
    """One sentence on what the soak ran on."""
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {', '.join(versions)}."
    )


def counts(junit: Path) -> str:
    """A table of the tests of each module: passed, failed, skipped, seconds."""
    rows: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    for case in ElementTree.parse(junit).iter("testcase"):
        row = rows[case.get("classname", "").split(".")[-1]]
        children = {child.tag for child in case}
        column = 1 if children & {"failure", "error"} else 2 if "skipped" in children else 0
        row[column] += 1
        row[3] += float(case.get("time", 0))
    lines = ["| module | passed | failed | skipped | seconds |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {passed} | {failed} | {skipped} | {seconds:.0f} |"
        for name, (passed, failed, skipped, seconds) in sorted(rows.items())
    ]
    return "\n".join(lines)


def main(report: str, junit: str, sessions: str = "") -> None:
    parts = [MARKER, "", "## The last soak", "", machine(), "", Path(report).read_text().rstrip()]
    parts += ["", counts(Path(junit))]
    if sessions:
        parts += ["", "| session | outcome | pytest |", "|---|---|---|", sessions.rstrip()]
    before = DOCUMENT.read_text(encoding="utf-8").split(MARKER)[0]
    DOCUMENT.write_text(before + "\n".join(parts) + "\n", encoding="utf-8")
    print(f"wrote {DOCUMENT}")


if __name__ == "__main__":
    main(*sys.argv[1:])
