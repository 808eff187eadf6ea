"""Unlike layers and attributions for the walk and the faults that it is made of, in three runs.

Run `main` (the most recent) at steps 0, 10, …, 40; `partial`, which lacks every second layer, at
steps 0 and 20; `single`, all layers at step 7 alone. Four examples ran; `few` and `kept` store a
part. Widths and planes of `widths` and `planes` are others at each step, as where a directory was
used again.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from logs import event

from tb_activations.eventfile import writer as events
from tb_activations.eventfile.event import activation_event
from tb_activations.record import Options
from tb_activations.record.attribution import Explanation
from tb_activations.record.encoder import keep
from tb_activations.record.metadata import TagAttribution, summary_metadata
from tb_activations.record.run import RUN_TAG, Classifier, RunFacts, run_blobs
from tb_activations.record.scores import Scores, attribution_blobs

STEPS = (0, 10, 20, 30, 40)
RUNS = {"single": (7,), "partial": (0, 20), "main": STEPS}
EXAMPLES = 4
START = 1_700_000_000.0

Make = Callable[[int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Layer:
    """How a layer's values are made for the i-th step, and how they are logged."""

    make: Make
    kind: str = "activation"
    options: dict[str, Any] = field(default_factory=dict)
    dtype: str = "float32"


def normal(*shape: int) -> Make:
    return lambda i, rng: rng.normal(size=(EXAMPLES, *shape)) * (1 + i)


def uniform(*shape: int) -> Make:
    return lambda i, rng: rng.uniform(size=(EXAMPLES, *shape))


def relu(*shape: int) -> Make:
    return lambda i, rng: np.maximum(rng.normal(size=(EXAMPLES, *shape)), 0) * (5 - i)


def wide(widths: tuple[int, ...], *shape: int) -> Make:
    """As many channels at each step as `widths` says, values that name the step."""
    return lambda i, rng: 10 * i + rng.uniform(size=(EXAMPLES, *shape, widths[i % len(widths)]))


def planes(i: int, rng: np.random.Generator) -> np.ndarray:
    sides = ((8, 8), (12, 6), (4, 4), (4, 4), (16, 9))[i % 5]
    return rng.normal(size=(EXAMPLES, *sides, 6))


def broken(i: int, rng: np.random.Generator) -> np.ndarray:
    values = rng.normal(size=(EXAMPLES, 10, 10, 6))
    values[0, 3, 4, 2] = np.nan
    values[:, 0, 0, 4] = (np.inf, -np.inf)[i % 2]
    return values


def dying(i: int, rng: np.random.Generator) -> np.ndarray:
    """Channel 1 dies after two steps, channel 2 is dead throughout, channel 3 is one value."""
    values = np.maximum(rng.normal(size=(EXAMPLES, 9, 9, 6)), 0) + 0.25
    values[..., 1] *= i < 2
    values[..., 2] = 0
    values[..., 3] = 2.5
    return values


def softmax(i: int, rng: np.random.Generator) -> np.ndarray:
    """Most of its values are too small for half precision beside the largest."""
    z = rng.normal(size=(EXAMPLES, 48)) * (10 + 5 * i)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def offset(i: int, rng: np.random.Generator) -> np.ndarray:
    return 1e6 + rng.normal(size=(EXAMPLES, 8, 8, 4))


def course(i: int, rng: np.random.Generator) -> np.ndarray:
    """Waves of which one is constant, one has a gap, and one both infinities."""
    x = np.arange(40)[:, None]
    values = np.sin(rng.uniform(0.1, 0.6, (EXAMPLES, 1, 6)) * x) * (1 + i)
    values[..., 1] = 2.5
    values[:, 10:13, 2] = np.nan
    values[:, 20, 3], values[:, 30, 3] = np.inf, -np.inf
    return values


def looks(i: int, rng: np.random.Generator) -> np.ndarray:
    """Of 4 × 5 patches of the input and a token before them, which all look at most."""
    values = rng.uniform(size=(EXAMPLES, 21, 21, 3))
    values[:, :, 0] += 5
    return values


LAYERS: dict[str, Layer] = {
    "input": Layer(uniform(16, 20, 3), "input"),
    "mask": Layer(uniform(12, 12, 1), "input"),
    "wide": Layer(normal(8, 8, 32)),
    "narrow": Layer(relu(8, 8, 8)),
    "one": Layer(normal(10, 10, 1)),
    "many": Layer(relu(5, 5, 300)),
    "dense": Layer(normal(32)),
    "unit": Layer(normal(1)),
    "logits": Layer(normal(300)),
    "tokens": Layer(normal(12, 20)),
    "head/attention": Layer(uniform(12, 12, 2)),
    "volume": Layer(normal(5, 9, 9, 3)),
    "volume/thin": Layer(relu(2, 6, 7, 12)),
    "squeeze": Layer(uniform(1, 1, 96)),
    "flat": Layer(normal(1, 11, 7)),
    "upright": Layer(normal(14, 1, 5)),
    "broken": Layer(broken),
    "nothing": Layer(lambda i, rng: np.full((EXAMPLES, 5, 5, 2), np.nan)),
    "dead": Layer(lambda i, rng: np.zeros((EXAMPLES, 6, 6, 5))),
    "dying": Layer(dying),
    "widths": Layer(wide((4, 4, 8, 16), 8, 8)),
    "widths/pruned": Layer(wide((300, 12, 12, 5, 300), 4, 4)),
    "widths/dense": Layer(wide((10, 40, 6))),
    "planes": Layer(planes),
    "kept": Layer(normal(7, 7, 11), options={"max_channels": 5}),
    "kept/widths": Layer(wide((8, 16, 3, 12), 6, 6), options={"max_channels": 4}),
    "colours": Layer(normal(9, 9, 3)),
    "tiny": Layer(lambda i, rng: rng.normal(size=(EXAMPLES, 6, 6, 5)) * 1e-20),
    "huge": Layer(lambda i, rng: rng.normal(size=(EXAMPLES, 6, 6, 5)) * 1e25),
    "softmax": Layer(softmax),
    "offset": Layer(offset),
    "few": Layer(normal(6, 6, 9), options={"max_outputs": 1}),
    "attribution/gradients": Layer(normal(16, 20, 2), "attribution"),
    "attribution/grad_cam": Layer(normal(4, 5, 1), "attribution"),
    "attribution/gradient_x_input/narrow": Layer(relu(8, 8, 8), "attribution"),
    "counts": Layer(lambda i, rng: rng.integers(-3, 10 + i, (EXAMPLES, 8, 8, 4)), dtype="int32"),
    "picks": Layer(lambda i, rng: rng.integers(0, 900, (EXAMPLES, 7)), dtype="int64"),
    "signal": Layer(course),
    "block/attention_scores": Layer(uniform(9, 7, 4)),
    "vision/attention_scores": Layer(looks),
}
_PLAIN = Explanation("gradients", "input", input="input", grid=(16, 20))
_ONE = tuple((i,) for i in range(EXAMPLES))
EXPLAINED = {
    "attribution/gradients": replace(_PLAIN, targets=tuple((i, i + 5) for i in range(EXAMPLES))),
    "attribution/grad_cam": replace(_PLAIN, method="grad_cam", of="one", layer="one", targets=_ONE),
    "attribution/gradient_x_input/narrow": Explanation(
        "gradient_x_input", "narrow", layer="narrow", parts=8, reduce=None, targets=_ONE
    ),
}


# What each run's model is said to answer with; `partial` says nothing of it.
CLASSES = tuple(f"kind {i}" for i in range(48))
RIGHT = (0, 7, None, 47)
KNOWN = {
    "main": RunFacts({}, CLASSES, (Classifier("softmax", "softmax", RIGHT),)),
    "single": RunFacts({}, None, (Classifier("logits", "logits", RIGHT),)),
}


def tags_of(run: str) -> list[str]:
    """The layers of a run, in model order."""
    return [tag for i, tag in enumerate(LAYERS) if run != "partial" or i % 2 == 0]


@functools.cache
def values(run: str, tag: str, step: int) -> np.ndarray:
    """What was logged, float32 `[4, …, c]`."""
    rng = np.random.default_rng(zlib.crc32(f"{run} {tag} {step}".encode()))
    return LAYERS[tag].make(RUNS[run].index(step), rng).astype(np.float32)


def write(directory: Path) -> Path:
    """Writes the three runs under `directory` and returns it."""
    for at, run in enumerate(RUNS):
        write_run(directory, run, START + 10_000 * at)
    return directory


def write_run(directory: Path, run: str, start: float = START) -> None:
    """One run, its steps a second apart."""
    with events.EventWriter(directory / run, ".activations") as writer:
        if run in KNOWN:
            about, blobs = summary_metadata("run"), run_blobs(KNOWN[run])
            writer.write(activation_event(RUN_TAG, blobs, RUNS[run][0], start, about))
        for step in RUNS[run]:
            for order, tag in enumerate(tags_of(run)):
                time = start + step
                writer.write(event_of(run, tag, step, order, time))


def event_of(run: str, tag: str, step: int, order: int, time: float) -> bytes:
    """The record of one layer at one step, serialized."""
    layer = LAYERS[tag]
    if layer.kind != "attribution":
        record = {"kind": layer.kind, "order": order, **layer.options}
        logged = values(run, tag, step).astype(layer.dtype)
        return event(tag, step, logged, wall_time=time, **record)
    one = EXPLAINED[tag]
    kept = replace(keep(values(run, tag, step), Options()), explanation=one)
    scores = np.full((EXAMPLES, len(one.targets[0])), float(step))  # type: ignore[index]
    gaps = scores * 0.03 if one.method == "gradient_x_input" else None
    blobs = attribution_blobs(kept, Scores(scores, gaps=gaps), None, Options())
    said = TagAttribution(one.method, one.of, one.layer)
    about = summary_metadata("attribution", order, None, said)
    return activation_event(tag, blobs, step, time, about)
