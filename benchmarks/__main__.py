"""Runs the benchmarks one after another and writes docs/benchmarks.md.

python -m benchmarks [--full] [--output FILE] [NAME ...]
"""

from __future__ import annotations

import argparse
import importlib
import time
from pathlib import Path

from benchmarks import harness

NAMES = [
    "epoch",
    "training_step",
    "bytes_per_value",
    "every_step",
    "server",
    "dashboard",
    "images_tab",
]
INTRODUCTION = """# Benchmarks

What tb_activations costs beside what people would use instead: each contender in a process of its
own, one after the other, on the same work. `make bench` runs the short version and rewrites this
page; `python -m benchmarks --full` the long one, `python -m benchmarks NAME` a single part.
Absolute times are those of one noisy machine; the ratios are what counts.

Machine: {machine}. {load} This is the {version} version, {minutes:.0f} minutes.

{verdict}"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the long version, about an hour")
    parser.add_argument("--output", type=Path, default=harness.ROOT / "docs" / "benchmarks.md")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    begun, load = time.perf_counter(), harness.load()
    found: list[harness.Section] = []
    for name in options.names or NAMES:
        start = time.perf_counter()
        for section in importlib.import_module(f"benchmarks.{name}").sections(options.full):
            found.append(section)
            print(section.markdown(), flush=True)
        print(f"\n({name}: {time.perf_counter() - start:.0f} s)\n", flush=True)
    verdict = harness.verdict(found)
    print(verdict)
    if not options.names:
        minutes = (time.perf_counter() - begun) / 60
        version = "long" if options.full else "short"
        head = INTRODUCTION.format(
            machine=harness.machine(), load=load, version=version, minutes=minutes, verdict=verdict
        )
        text = "\n\n".join([head, *(section.markdown() for section in found)])
        options.output.write_text(text + "\n", encoding="utf-8")
        print(f"{minutes:.1f} minutes; written to {options.output}")


if __name__ == "__main__":
    main()
