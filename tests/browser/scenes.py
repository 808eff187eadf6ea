"""What the browser tests log: small layers with known faults, so that every mark has a cause.

Run `train` (the most recent) at steps 0, 10, …, 70; run `older` at steps 0 and 20.

- `input`: colour pictures with labels, values 0 to 1
- `encoder/conv1`: 28×28×12, zero and above; 5 is dead, 7 is constant, 9 is silent in example 0
- `encoder/conv2`: 14×14×24, both signs
- `head/conv3`: 8×8×300 of which every second channel is dead
- `head/broken`: 10×10×6, NaN in channel 2 from step 60 on, both infinities in channel 4 at step 70
- the last layer of each step says what the update cost
- what is constant for `train`: the receptive field of `encoder/conv1` alone, on rows and columns
- `dense`: 32 units, 3 is dead, 9 is constant; `tokens`: 12 positions × 20; `volume`: 5×9×9×3
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from logs import event

from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record.cost import UpdateCost
from tb_activations.record.metadata import summary_metadata
from tb_activations.record.run import RUN_TAG, Field, RunFacts, run_blobs

STEPS = tuple(range(0, 80, 10))
LABELS = ("cat", "dog", "ship", "frog")
EXAMPLES = 4
START = 1_700_000_000.0
COST = UpdateCost(0.42, 0.011, 2_345_678)
FIELDS = {"input": {"encoder/conv1": (Field(-1.5, 4, 0.5), Field(-1, 3, 0.75))}}


@functools.cache
def layers(step: int) -> dict[str, np.ndarray]:
    """The values of every layer at a step, `[4, …, c]`."""
    rng = np.random.default_rng(step + 1)
    growth = 1 + step / 20
    conv1 = np.maximum(waves(28, 28, 12, rng), 0) * growth * np.linspace(0.1, 3, 12)
    conv1[..., 5] = 0
    conv1[..., 7] = 2.5
    conv1[0, ..., 9] = 0
    conv3 = np.maximum(waves(8, 8, 300, rng), 0) * rng.uniform(0.5, 4, 300)
    conv3[..., ::2] = 0
    broken = waves(10, 10, 6, rng)
    if step >= 60:
        broken[0, 3, 4, 2] = np.nan
    if step >= 70:
        broken[:, 0, 0, 4] = np.inf
        broken[:, 9, 9, 4] = -np.inf
    dense = rng.normal(size=(EXAMPLES, 32))
    dense[:, 3] = 0
    dense[:, 9] = 2
    return {
        "encoder/conv1": conv1.astype(np.float32),
        "encoder/conv2": (waves(14, 14, 24, rng) * growth).astype(np.float32),
        "head/conv3": conv3.astype(np.float32),
        "head/broken": broken.astype(np.float32),
        "dense": dense.astype(np.float32),
        "tokens": rng.normal(size=(EXAMPLES, 12, 20)).astype(np.float32),
        "volume": rng.normal(size=(EXAMPLES, 5, 9, 9, 3)).astype(np.float32),
    }


def waves(height: int, width: int, channels: int, rng: np.random.Generator) -> np.ndarray:
    """Smooth patterns, another for each example and channel."""
    y = np.arange(height)[:, None, None]
    x = np.arange(width)[:, None]
    frequency = rng.uniform(0.1, 0.9, (EXAMPLES, 1, 1, channels))
    phase = rng.uniform(0, 6, (EXAMPLES, 1, 1, channels))
    return np.sin(frequency * x + phase) + np.cos(frequency * y - phase)


@functools.cache
def pictures() -> np.ndarray:
    """The inputs, `[4, 16, 20, 3]`, float32 between 0 and 1."""
    return np.random.default_rng(7).uniform(size=(EXAMPLES, 16, 20, 3)).astype(np.float32)


def write(directory: Path) -> Path:
    """Writes both runs under `directory` and returns it."""
    _write_run(directory / "older", (0, 20), START)
    _write_run(directory / "train", STEPS, START + 10_000)
    with EventWriter(directory / "train", ".run") as writer:
        metadata = summary_metadata("run")
        blobs = run_blobs(RunFacts(FIELDS))
        writer.write(activation_event(RUN_TAG, blobs, 0, START + 20_000, metadata))
    return directory


def _write_run(directory: Path, steps: tuple[int, ...], start: float) -> None:
    with EventWriter(directory, ".activations") as writer:
        for step in steps:
            write_step(writer, step, start)


def write_step(writer: EventWriter, step: int, start: float = START + 10_000) -> None:
    """One step of all layers, one second apart."""
    wall_time = start + step
    writer.write(event("input", step, pictures(), wall_time=wall_time, kind="input", labels=LABELS))
    for order, (tag, array) in enumerate(layers(step).items()):
        cost = COST if order == len(layers(step)) - 1 else None
        writer.write(event(tag, step, array, wall_time=wall_time, order=order, cost=cost))
