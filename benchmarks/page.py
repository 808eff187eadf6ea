"""The page of figures: an introduction, the verdict on all targets, and a part for each benchmark.

A part stands between `<!-- NAME -->` and the next such line, so that one can be measured again
without the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import harness

INTRODUCTION = """# Benchmarks

What tb_activations costs beside what people would use instead: each contender in a process of its
own, one after the other, on the same work. `make bench` runs the short version and rewrites this
page; `python -m benchmarks --full` the long one, `python -m benchmarks NAME` one part, whose
figures it replaces here. Absolute times are those of one noisy machine; the ratios are what counts.

Machine: {machine}."""
ORDER = (
    "epoch",
    "first_step",
    "networks",
    "training_step",
    "paired",
    "torch",
    "attribution",
    "bytes_per_value",
    "every_step",
    "server",
    "crowd",
    "dashboard",
    "jobs",
    "walk",
    "images_tab",
)
_MARK = re.compile(r"^<!-- (\w+) -->\n", re.MULTILINE)
_TARGET = re.compile(r"^\| (.+?) \| (.+?) \| ([≤≥] .+?) \| (met|\*\*missed\*\*) \|")


def part(sections: Sequence[harness.Section], how: str) -> str:
    """The Markdown of one benchmark; `how` says what was run, and beside what."""
    return "\n\n".join([*(section.markdown() for section in sections), f"*{how}.*"])


def text(parts: Mapping[str, str]) -> str:
    """The whole page."""
    names = sorted(parts, key=ORDER.index)
    marked = "\n\n".join(f"<!-- {name} -->\n{parts[name]}" for name in names)
    introduction = INTRODUCTION.format(machine=harness.machine())
    return f"{introduction}\n\n{verdict(marked)}\n\n{marked}\n"


def read(path: Path) -> dict[str, str]:
    """Name → body of the parts of a page; empty where there is none."""
    if not path.exists():
        return {}
    _, *found = _MARK.split(path.read_text(encoding="utf-8"))
    return {name: body.strip() for name, body in zip(found[::2], found[1::2], strict=True)}


def put(path: Path, name: str, body: str) -> None:
    """Replaces one part of a page, or adds it."""
    path.write_text(text({**read(path), name: body}), encoding="utf-8")


def verdict(markdown: str) -> str:
    """How many targets are met, and each that is not."""
    targets = list(_targets(markdown))
    missed = [line for line, met in targets if not met]
    count = f"{len(targets) - len(missed)} of {len(targets)} targets met."
    return " ".join([count, *(f"Missed: {line}." for line in missed)])


def _targets(markdown: str) -> Iterator[tuple[str, bool]]:
    title = ""
    for line in markdown.splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        if found := _TARGET.match(line):
            name, figure, limit, met = found.groups()
            yield f"{title}, {name}: {figure} (target {limit})", met == "met"
