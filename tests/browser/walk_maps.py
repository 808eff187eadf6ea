"""What the walk knows of attributions: bounds about zero, the maps of all examples, their names."""

from __future__ import annotations

import numpy as np

from browser import zoo
from browser.test_attributions import coloured
from browser.walk_model import Record, Walk, record

SIDES = (16, 20)  # of the input that maps cover


def is_signed(walk: Walk) -> bool:
    return zoo.LAYERS[walk.layer].kind == "attribution"


def is_maps(walk: Walk) -> bool:
    """Whether a channel is a target."""
    return is_signed(walk) and zoo.EXPLAINED[walk.layer].parts == 1


def cells(walk: Walk) -> list[tuple[int, int]]:
    """Examples and targets, in order; while comparing of the shown example alone."""
    examples = range(len(walk.record.stored)) if walk.target is None else [walk.shown_example]
    return [(example, target) for example in examples for target in range(len(walk.record.ids))]


def name_of(walk: Walk, example: int, target: int) -> str:
    targets = zoo.EXPLAINED[walk.layer].targets
    assert targets is not None
    return f"class {targets[example][target]}"


def target_of(walk: Walk, name: str) -> int:
    """The target of the shown example that has this name."""
    names = [name_of(walk, walk.shown_example, i) for i in range(len(walk.record.ids))]
    return names.index(name)


def enlarged(plane: np.ndarray) -> np.ndarray:
    """As large as the input: between the middles of cells where it is coarser."""
    for axis, (count, side) in enumerate(zip(plane.shape, SIDES, strict=True)):
        at = np.clip((np.arange(side) + 0.5) * count / side - 0.5, 0, count - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, count - 1)
        share = (at - low).reshape([-1 if i == axis else 1 for i in range(2)])
        plane = plane.take(low, axis) * (1 - share) + plane.take(high, axis) * share
    return plane


def plane_of(there: Record, example: int, target: int) -> np.ndarray:
    return there.stored[example, ..., target]


def shown_plane(walk: Walk, example: int, target: int) -> np.ndarray:
    plane = plane_of(walk.record, example, target)
    if walk.difference:
        there, other, _ = walk.fitting  # type: ignore[misc]
        plane = plane - plane_of(there, other, target)
    return enlarged(plane)


def reach(walk: Walk, example: int) -> float:
    """The largest magnitude: of the example, or of all; over all steps where locked."""
    if walk.difference:
        there, other, _ = walk.fitting  # type: ignore[misc]
        return float(np.abs(walk.record.stored[example] - there.stored[other]).max()) or 1.0
    found = _own(walk, walk.record, example)
    if walk.fitting is not None and walk.mode != "difference":
        there, other, _ = walk.fitting
        found = max(found, _own(walk, there, other))
    return found or 1.0


def _own(walk: Walk, there: Record, example: int) -> float:
    # Of a layer's channels the bound over steps is that of the shown example.
    known = is_maps(walk) or example == walk.shown_example
    locked = walk.lock and there.run == walk.run and known
    records = [record(walk.run, walk.layer, s) for s in walk.steps] if locked else [there]
    joint = walk.scope == "layer" and is_maps(walk)
    return max(float(np.abs(r.stored if joint else r.stored[example]).max()) for r in records)


def check_colours(pixels: np.ndarray, plane: np.ndarray, bound: float) -> None:
    assert np.abs(pixels - coloured(plane, bound)).max() <= 4
