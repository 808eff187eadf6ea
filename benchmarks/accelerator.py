"""What logging costs beside an accelerator: what crosses to the host, what the step waits.

python -m benchmarks.accelerator [--tiny] [--seconds 480] [--output FOLDER] [PART ...]

A part is `torch:NETWORK:BATCH[:bfloat16]` or `jax:BATCH`, each in a process of its own; together
they end before `--seconds`. Prints Markdown as it goes, and writes FOLDER/accelerator.json. Three
ways of logging are compared:

* device: statistics of all values and the values of 4 examples, made where the values are, one
  packed copy into pinned memory, nothing waited for;
* host: every value is copied to the host, and its statistics are made there;
* hooks: `.cpu()` in every hook, and `SummaryWriter.add_histogram`, as people do by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import harness

PARTS = (
    "torch:resnet50:32",
    "jax:32",
    "torch:resnet50:128",
    "torch:vit_b_16:32",
    "torch:resnet50:128:bfloat16",
    "jax:128",
)
TINY = ("torch:tiny:4", "jax:4")
_LEFT_OVER = 15  # seconds under which no part is begun
_PART = 130  # seconds that one part may take


def main() -> None:
    parser = argparse.ArgumentParser(prog="accelerator", description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="a smoke test, on any CPU")
    parser.add_argument("--seconds", type=float, default=460, help="for all parts together")
    parser.add_argument("--output", type=Path, default=Path("/tmp"))
    parser.add_argument("parts", nargs="*", metavar="PART")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    results: dict[str, Any] = {"machine": harness.machine(), "parts": {}}
    for part in options.parts or (TINY if options.tiny else PARTS):
        left = end - time.monotonic()
        if left < _LEFT_OVER:
            results["parts"][part] = {"error": "no time was left"}
        else:
            results["parts"][part] = _run(part, min(left, _PART), options.tiny)
        print(_markdown(part, results["parts"][part]), flush=True)
        _save(options.output, results)


def _run(part: str, seconds: float, tiny: bool) -> dict[str, Any]:
    """One part in a process of its own; what it measured before it was stopped counts."""
    framework, *arguments = part.split(":")
    command = [sys.executable, "-m", f"benchmarks.accelerator_{framework}", *arguments]
    environment = {**os.environ, "BENCH_TINY": "1" if tiny else "", "BENCH_SECONDS": str(seconds)}
    start = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=harness.ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
        )
        text, failed = done.stdout, done.returncode
    except subprocess.TimeoutExpired as e:
        text, failed = (e.stdout or b"").decode(), -1  # bytes, whatever `text` says
    result: dict[str, Any] = {}
    for line in text.splitlines():
        if line.startswith("RESULT "):
            result.update(json.loads(line.removeprefix("RESULT ")))
    result["seconds"] = round(time.monotonic() - start, 1)
    if failed:
        result["error"] = "out of time" if failed == -1 else text[-1500:]
    return result


def report(**figures: Any) -> None:
    """Of a part's process: figures that count from now on, whatever comes after."""
    print("RESULT " + json.dumps(figures), flush=True)


def seconds_left() -> float:
    """Of a part's process: what it may still take."""
    return float(os.environ["BENCH_SECONDS"]) - (time.monotonic() - _BEGUN)


def tiny() -> bool:
    return bool(os.environ.get("BENCH_TINY"))


_BEGUN = time.monotonic()


def _markdown(part: str, result: Mapping[str, Any]) -> str:
    """One part: its facts as a list, its ways as a table."""
    facts = {k: v for k, v in result.items() if not isinstance(v, dict | list) and k != "error"}
    lines = [f"### {part}", "", ", ".join(f"{k} {_text(v)}" for k, v in facts.items())]
    ways = [way for way in result.values() if isinstance(way, dict)]
    if ways:
        header = sorted({key for way in ways for key in way}, key=_place)
        rows = [[_text(way.get(key)) for key in header] for way in ways]
        lines += ["", harness.table(header, rows)]
    if "error" in result:
        lines += ["", "```", str(result["error"]), "```"]
    return "\n".join(lines) + "\n"


def _place(key: str) -> tuple[int, str]:
    order: Sequence[str] = (
        "way",
        "crosses_MB",
        "thread_ms",
        "thread_in_forwards",
        "device_ms",
        "device_in_forwards",
        "complete_ms",
        "step_waits_ms",
        "step_waits_in_forwards",
    )
    return (order.index(key), "") if key in order else (len(order), key)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _save(folder: Path, results: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1)
    (folder / "accelerator.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
