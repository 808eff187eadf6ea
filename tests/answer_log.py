"""The log of some classifiers, for the tests of routes and browser: every answer can be computed.

Run `train` at steps 0, 10, 20, 30, examples 0 to 5, of which layers keep five:

- `input`: colour pictures `[6, 16, 20, 3]` with labels
- `conv`: `[6, 8, 10, 4]`; channel 2 is largest where PLACES says, and holds a NaN in example 1
- `sequence`: `[6, 12, 3]`; `volume`: `[6, 3, 4, 5, 2]`; `dense`: `[6, 7]`
- `head`: logits of the ten CLASSES, `right` of which are RIGHT; not logged at step 20

Other runs: `two` of one step ends in `animal`, a softmax of three, and `alive`, a sigmoid of one;
`many` in a log-softmax of 1000 numbered classes, of which no right one is known; `fewer` keeps some
of the classes; `plain` has the layers of `train` and knows nothing of the run.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from logs import event

from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record.metadata import summary_metadata
from tb_activations.record.run import RUN_TAG, Classifier, Field, RunFacts, run_blobs

STEPS = (0, 10, 20, 30)
HEAD_STEPS = (0, 10, 30)
KEPT = 5
CLASSES = ("cat", "dog", "eel", "fox", "gnu", "hen", "ibex", "jay", "kiwi", "a very long llama")
RIGHT = (0, 1, 2, 3, None, 5)
LABELS = ("cat", "dog", "eel", "fox", "?", "hen")
PLACES = ((3, 4), (0, 0), (7, 9), (5, 2), (2, 8))  # row and column, of each example kept
PEAKS = (2.0, 5.0, 3.0, 4.0, 1.5)
FIELDS = {"input": {"conv": (Field(-2, 6, 2), Field(-2, 6, 2))}}
START = 1_700_000_000.0


@functools.cache
def pictures() -> np.ndarray:
    """`[6, 16, 20, 3]`, each example of a colour of its own, brighter to the right and below."""
    rng = np.random.default_rng(3)
    ramp = np.linspace(0.2, 1, 16)[:, None, None] * np.linspace(0.2, 1, 20)[:, None]
    return (ramp * rng.uniform(0.3, 1, (6, 1, 1, 3))).astype(np.float32)


@functools.cache
def layers(step: int) -> dict[str, np.ndarray]:
    """The values of every layer at a step, `[6, …, c]`."""
    rng = np.random.default_rng(step + 1)
    conv = rng.normal(size=(6, 8, 10, 4)) / 8
    for i, (place, peak) in enumerate(zip(PLACES, PEAKS, strict=True)):
        conv[(i, *place, 2)] = peak + step / 100
    conv[1, 4, 4, 2] = np.nan
    return {
        "conv": conv.astype(np.float32),
        "sequence": rng.normal(size=(6, 12, 3)).astype(np.float32),
        "volume": rng.normal(size=(6, 3, 4, 5, 2)).astype(np.float32),
        "dense": rng.normal(size=(6, 7)).astype(np.float32),
        "head": logits(step),
    }


def logits(step: int) -> np.ndarray:
    """`[6, 10]`: at step 0 none of the examples is right, at 10 two of them, at 30 all but one."""
    rng = np.random.default_rng(100 + step)
    values = rng.normal(size=(6, 10))
    known = {0: (), 10: (0, 2), 20: (0, 2), 30: (0, 1, 3, 5)}[step]
    for i, right in enumerate(RIGHT):
        if right is not None:
            values[i, right] = 6 if i in known else -2
    return values.astype(np.float32)


def probabilities(step: int) -> np.ndarray:
    """`[5, 10]`, float64, of what float16 keeps of `head`."""
    values = logits(step)[:KEPT].astype(np.float16).astype(np.float64)
    raised = np.exp(values)
    return raised / raised.sum(axis=1, keepdims=True)


@functools.cache
def softmax(classes: int, examples: int = 6) -> np.ndarray:
    values = np.random.default_rng(classes).uniform(size=(examples, classes)) ** 8 + 1e-3
    return (values / values.sum(axis=1, keepdims=True)).astype(np.float32)


def write(root: Path) -> Path:
    head = Classifier("head", "logits", RIGHT)
    _write_run(root / "plain", None, START)
    animal = Classifier("animal", "softmax", (0, 1, 2, 0, 1, 2))
    two = {"animal": softmax(3), "alive": np.full((6, 1), 0.75, np.float32)}
    _write_one(
        root / "two", two, RunFacts({}, CLASSES[:3], (animal, Classifier("alive", "sigmoid")))
    )
    many = {"scores": np.log(softmax(1000))}
    _write_one(root / "many", many, RunFacts({}, None, (Classifier("scores", "log_softmax"),)))
    _write_one(root / "fewer", {"head": logits(30)}, RunFacts({}, CLASSES, (head,)), max_channels=4)
    _write_run(root / "train", RunFacts(FIELDS, CLASSES, (head,)), START + 10_000)
    return root


def _write_run(directory: Path, facts: RunFacts | None, start: float) -> None:
    with EventWriter(directory, ".activations") as writer:
        if facts is not None:
            _write_facts(writer, facts, start)
        for step in STEPS:
            writer.write(_input(step, start + step))
            for order, (tag, array) in enumerate(layers(step).items()):
                if tag != "head" or step in HEAD_STEPS:
                    options = {"order": order, "max_outputs": KEPT}
                    writer.write(event(tag, step, array, wall_time=start + step, **options))


def _write_one(
    directory: Path, arrays: dict[str, np.ndarray], facts: RunFacts, **options: int
) -> None:
    """A run of one step."""
    with EventWriter(directory, ".activations") as writer:
        _write_facts(writer, facts, START)
        writer.write(_input(0, START))
        for order, (tag, array) in enumerate(arrays.items()):
            writer.write(event(tag, 0, array, wall_time=START, order=order, **options))


def _write_facts(writer: EventWriter, facts: RunFacts, wall_time: float) -> None:
    writer.write(activation_event(RUN_TAG, run_blobs(facts), 0, wall_time, summary_metadata("run")))


def _input(step: int, wall_time: float) -> bytes:
    options = {"labels": LABELS, "max_outputs": 6, "order": -1}
    return event("input", step, pictures(), wall_time=wall_time, kind="input", **options)
