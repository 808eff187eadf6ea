"""Adds up what several runs of pytest found: `python scripts/tally.py LOG...`.

Each log is what pytest printed. The last line of ours is plain, `12 passed, 1 failed, 0 skipped`:
errors count as failed, and so does a run that did not come to its end. It fails where one failed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

COLOURS = re.compile(r"\033\[[0-9;]*m")
CLOSING = re.compile(r"^=* ?(\d+ \w+(?:, \d+ \w+)*) in [\d.]+s")
COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")
AS = {"error": "failed", "errors": "failed", "xfailed": "passed", "xpassed": "failed"}


def tally(log: str) -> dict[str, int]:
    """What the last closing line of a log counts."""
    found = {"passed": 0, "failed": 0, "skipped": 0}
    lines = [COLOURS.sub("", line) for line in log.splitlines()]
    closing = [match[1] for line in lines if (match := CLOSING.match(line))]
    if not closing:
        return {**found, "failed": 1}
    for number, word in COUNT.findall(closing[-1]):
        found[AS.get(word, word)] += int(number)
    return found


def main(paths: list[str]) -> int:
    logs = [Path(path).read_text(encoding="utf-8", errors="replace") for path in paths]
    each = [tally(log) for log in logs]
    total = {word: sum(found[word] for found in each) for word in ("passed", "failed", "skipped")}
    print(", ".join(f"{number} {word}" for word, number in total.items()))
    return int(total["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
