"""What the reader finds in a golden log: `python tests/golden/digests.py` prints it as JSON.

`read(directory)` gives `{tag: {step: facts}}`: the header's fields, the labels, the layer's five
numbers, and SHA-256 digests of the true values (float64, NaN without payload) and of the statistics
(float32); instead of the values the sentence with which they are refused.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from tb_activations import record

HERE = Path(__file__).parent
LOGS = sorted(path for path in HERE.glob("format-*/*") if path.is_dir())
ALL = slice(None)


def records(directory: Path) -> dict[str, dict[str, list[bytes]]]:
    """Tag → step → blobs."""
    found: dict[str, dict[str, list[bytes]]] = {}
    for path in sorted(directory.glob("*tfevents*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                steps = found.setdefault(value.tag, {})
                steps[str(event.step)] = list(value.tensor.string_val)
    return found


def digest(values: np.ndarray, dtype: str) -> str:
    """Of the values in little-endian `dtype`, whatever NaN it is."""
    plain = np.where(np.isnan(values), np.nan, values).astype(dtype)
    return hashlib.sha256(plain.tobytes()).hexdigest()


def values_of(blobs: list[bytes]) -> np.ndarray:
    """True values `[examples, channels, *spatial]`, float64. Raises RecordError."""
    header = record.parse_header(blobs[0])
    stored = record.decode(header, dict(enumerate(blobs[4:])), ALL, ALL)
    return np.asarray(record.restore(stored, header.exponent), np.float64)


def facts(blobs: list[bytes]) -> dict[str, Any]:
    header = record.parse_header(blobs[0])
    summary = record.parse_summary(blobs[1])
    found = {
        "header": json.loads(blobs[0]),
        "summary": [
            *map(repr, (summary.rms, summary.largest)),
            *(summary.dead, summary.constant, summary.nonfinite),
        ],
        "labels": record.parse_labels(blobs[3], header),
    }
    for name, read in {
        "statistics": lambda: digest(record.parse_statistics(blobs[2], header), "<f4"),
        "values": lambda: digest(values_of(blobs), "<f8"),
    }.items():
        try:
            found[name] = read()
        except record.RecordError as e:
            found[name] = f"refused: {e}"
    return json.loads(json.dumps(found))


def read(directory: Path) -> dict[str, dict[str, Any]]:
    """All that is found in one log."""
    return {
        tag: {step: facts(blobs) for step, blobs in steps.items()}
        for tag, steps in records(directory).items()
    }


if __name__ == "__main__":
    found = {str(log.relative_to(HERE)): read(log) for log in LOGS}
    print(json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False))
