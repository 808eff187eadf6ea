"""What the long tests measure, kept for docs/reliability.md.

`report("load", "64 clients …")` prints a line, and appends it to the file that TBA_REPORT names.
"""

from __future__ import annotations

import os


def report(name: str, sentence: str) -> None:
    """One measured figure, as a sentence under the name of what it belongs to."""
    print(f"{name}: {sentence}")
    path = os.environ.get("TBA_REPORT")
    if path:
        with open(path, "a", encoding="utf-8") as out:
            out.write(f"- **{name}**: {sentence}\n")
