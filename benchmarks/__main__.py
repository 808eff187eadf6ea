"""Runs the benchmarks one after another and writes docs/benchmarks.md.

python -m benchmarks [--full] [--output FILE] [NAME ...]

With names only those parts are measured, and replace what the page says of them.
"""

from __future__ import annotations

import argparse
import importlib
import time
from pathlib import Path

from benchmarks import harness, page

BY_ITSELF = {"paired"}  # of twenty minutes: python -m benchmarks.paired --write
NAMES = [name for name in page.ORDER if name not in BY_ITSELF]
SHORT_SECONDS = 180  # that the short version of a part may take; all of them 25 minutes


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="the long version, about an hour")
    parser.add_argument("--output", type=Path, default=harness.ROOT / "docs" / "benchmarks.md")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    begun = time.perf_counter()
    parts = page.read(options.output)
    if not options.names:
        parts = {name: body for name, body in parts.items() if name in BY_ITSELF}
    for name in options.names or NAMES:
        load, start = harness.load(), time.perf_counter()
        found = importlib.import_module(f"benchmarks.{name}").sections(options.full)
        seconds = time.perf_counter() - start
        version = "long" if options.full else "short"
        parts[name] = page.part(found, f"{version} version, {seconds:.0f} s{load}")
        print(parts[name], flush=True)
        if not options.full and seconds > SHORT_SECONDS:
            print(f"{name} took {seconds:.0f} s; a part may take {SHORT_SECONDS}: lower its counts")
    text = page.text(parts)
    options.output.write_text(text, encoding="utf-8")
    print(page.verdict(text))
    print(f"{(time.perf_counter() - begun) / 60:.1f} minutes; written to {options.output}")


if __name__ == "__main__":
    main()
