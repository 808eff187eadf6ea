"""A small log with attributions for tests, written without any framework.

`write(directory)` logs a run of one network's digits, three steps: the input, two layers, and maps
of several methods, targets and one inner layer, with values that are known.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from logs import event

from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import Options
from tb_activations.record.attribution import Baseline, Explanation
from tb_activations.record.encoder import keep
from tb_activations.record.metadata import TagAttribution, summary_metadata
from tb_activations.record.scores import Scores, attribution_blobs

STEPS = (0, 10, 20)
SIDE = 16
EXAMPLES = 4
CLASSES = ("zero", "one", "two", "three")
START = 1_700_000_000.0
ONE = tuple((i,) for i in range(EXAMPLES))  # the label of each example
TWO = tuple((i, (i + 1) % EXAMPLES) for i in range(EXAMPLES))  # and another class


def _names(targets: tuple[tuple[int, ...], ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(CLASSES[i] for i in row) for row in targets)


_GRADIENTS = Explanation("gradients", "input", input="input", grid=(SIDE, SIDE), targets=ONE,
                         target_names=_names(ONE))  # fmt: skip
_INTEGRATED = replace(
    _GRADIENTS,
    method="integrated_gradients",
    parameters=(("steps", 32), ("rule", "gauss_legendre"), ("tolerance", None)),
    baseline=Baseline(),
)
TAGS: dict[str, Explanation] = {
    "attribution/gradients": _GRADIENTS,
    "attribution/integrated_gradients": replace(_INTEGRATED, targets=TWO, target_names=_names(TWO)),
    "attribution/grad_cam": replace(
        _GRADIENTS, method="grad_cam", of="conv2", layer="conv2", parameters=(("relu", False),)
    ),
    "attribution/integrated_gradients/conv1": replace(
        _INTEGRATED, of="conv1", layer="conv1", parts=8, reduce=None
    ),
    "attribution/gradient_x_input": replace(
        _GRADIENTS, method="gradient_x_input", targets=None, target_names=None
    ),
}
SHAPES = {"input": (SIDE, SIDE), "conv1": (14, 14), "conv2": (6, 6)}
LAYERS = {"conv1": 8, "conv2": 12}


@dataclass(frozen=True)
class Logged:
    """maps: tag → step → float32 `[n, …, c]`. scores: tag → step. inputs: uint8 `[n, h, w, 3]`."""

    maps: dict[str, dict[int, np.ndarray]]
    scores: dict[str, dict[int, Scores]]
    inputs: np.ndarray


def inputs() -> np.ndarray:
    """A bright spot on a dark ground, in another quadrant for each example, uint8."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    found = np.zeros((EXAMPLES, SIDE, SIDE, 3), np.uint8)
    for i in range(EXAMPLES):
        centre = (4 + 8 * (i // 2), 4 + 8 * (i % 2))
        spot = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / 9)
        found[i] = (40 + 200 * spot[..., None] * [1, 0.8, 0.4]).astype(np.uint8)
    return found


def maps(explanation: Explanation, step: int) -> np.ndarray:
    """float32 `[n, …, k · parts]`: positive at the spot for the first target, negative for others,
    growing with the step, and each part a little shifted."""
    height, width = SHAPES[explanation.of]
    rows, columns = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    targets = len((explanation.targets or ONE)[0])
    found = np.zeros((EXAMPLES, height, width, targets * explanation.parts))
    for i in range(EXAMPLES):
        for c in range(found.shape[-1]):
            target, part = divmod(c, explanation.parts)
            centre = (0.25 + 0.5 * (i // 2), 0.25 + 0.5 * (i % 2) + 0.05 * part)
            spot = np.exp(-40 * ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2))
            found[i, ..., c] = (-1.0 if target else 1.0) * (spot - 0.1 * (part % 2)) * (1 + step)
    return (found / found[0].size).astype(np.float32)


def scores(explanation: Explanation, values: np.ndarray, step: int) -> Scores:
    """The maps' sums, a gap of 2 % (30 % at the first step), a probability that grows."""
    by_target = values.reshape(*values.shape[:-1], -1, explanation.parts)
    sums = by_target.sum(axis=(*range(1, values.ndim - 1), values.ndim), dtype=np.float64)
    promises = explanation.method in ("integrated_gradients", "gradient_x_input")
    gaps = sums * (0.3 if step == 0 else 0.02) if promises else None
    before = np.full_like(sums, 0.125) if explanation.baseline else None
    total = sums + (0 if gaps is None else gaps) + (0 if before is None else before)
    classes = (np.array(ONE) + step // 10) % EXAMPLES if explanation.targets is None else None
    return Scores(total, 1 / (1 + np.exp(-total)), before, gaps, classes)


def blobs(tag: str, step: int, options: Options | None = None) -> list[bytes]:
    """The record of one tag at one step."""
    explanation = TAGS[tag]
    values = maps(explanation, step)
    kept = replace(keep(values, options or Options()), explanation=explanation)
    labels = list(CLASSES)
    return attribution_blobs(kept, scores(explanation, values, step), labels, options or Options())


def about(tag: str, order: int) -> Any:
    """The metadata of one tag."""
    one = TAGS[tag]
    said = TagAttribution(one.method, one.of, one.layer)
    return summary_metadata("attribution", order, None, said)


def write(directory: str | os.PathLike[str], steps: tuple[int, ...] = STEPS) -> Logged:
    """Logs the run; what was logged."""
    logged = Logged({tag: {} for tag in TAGS}, {tag: {} for tag in TAGS}, inputs())
    with EventWriter(directory, ".activations") as writer:
        for step in steps:
            time = START + step
            if step == steps[0]:
                writer.write(event("input", step, logged.inputs, kind="input", order=0,
                                   wall_time=time, labels=list(CLASSES)))  # fmt: skip
            for order, (tag, one) in enumerate(TAGS.items(), 1):
                logged.maps[tag][step] = values = maps(one, step)
                logged.scores[tag][step] = scores(one, values, step)
                writer.write(activation_event(tag, blobs(tag, step), step, time, about(tag, order)))
            for order, (name, channels) in enumerate(LAYERS.items(), 1 + len(TAGS)):
                writer.write(event(name, step, _layer(name, channels, step), order=order,
                                   wall_time=time))  # fmt: skip
    return logged


def _layer(name: str, channels: int, step: int) -> np.ndarray:
    shape = (EXAMPLES, *SHAPES[name], channels)
    noise = np.random.default_rng(step).normal(size=shape)
    return np.maximum(noise, 0).astype(np.float32)
