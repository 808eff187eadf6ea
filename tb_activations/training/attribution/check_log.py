"""A randomization check in a run's log, so that the tab says what it found beside the maps."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.last_step import last_step
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record.checks import CHECK_TAG, Check, check_blobs
from tb_activations.record.metadata import summary_metadata
from tb_activations.training.attribution.checked import (
    CheckedMethod,
    RandomizationCheck,
    likeness_of,
    means,
)
from tb_activations.training.attribution.options import plain
from tb_activations.training.destination import check_step, checked_log_dir
from tb_activations.training.logger import directory_of


def check_destination(log_dir: Any, step: int | None) -> str:
    """The directory. Raises TypeError, ValueError for what is none, or for no step."""
    if step is not None:
        if isinstance(step, bool) or not hasattr(step, "__index__"):
            raise TypeError(f"step is {step!r}; it must be None or an integer of at least 0")
        check_step(int(step))
    return checked_log_dir(directory_of(log_dir))


def write_checks(log_dir: str, found: RandomizationCheck, step: int | None) -> None:
    """Appends a record a method. Raises OSError where nothing can be written."""
    at, now = (last_step(log_dir) or 0) if step is None else int(step), time.time()
    about = summary_metadata("run", 0)
    with EventWriter(log_dir) as writer:
        for name, one in found.methods.items():
            blobs = check_blobs(_check(found, name, one))
            writer.write(activation_event(f"{CHECK_TAG}{name}", blobs, at, now, about))


def _check(found: RandomizationCheck, name: str, one: CheckedMethod) -> Check:
    return Check(
        method=one.method.method,
        verdict=found.verdicts[name],
        likeness=_number(likeness_of(one)),
        threshold=found.threshold,
        parameters={key: plain(value) for key, value in one.method.options.items()},
        layer=one.layer,
        weights=found.weights,
        stages=found.stages,
        signed=tuple(map(_number, means(one.signed))),
        absolute=tuple(map(_number, means(one.absolute))),
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
