"""Layers that look across the batch are shown by one pass of the whole batch, the rest in slices.

Owns `Part`: which inputs a pass runs over. A batch of one slice has one part, and no question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tb_activations.training.across import UNASKED_BYTES, affordable, looking_across
from tb_activations.training.batch import Batch, Slices, span
from tb_activations.training.piece import Pass
from tb_activations.training.plan import LayerPlan, Plan
from tb_activations.training.selection import Entry

Found = Sequence[tuple[Entry, Sequence[int]]]
MakePass = Callable[[tuple[LayerPlan, ...]], Pass]


@dataclass(frozen=True)
class Part:
    """slices: what goes through the pass at every update. run: the pass."""

    slices: Iterable[Any]
    run: Pass


@dataclass(frozen=True)
class Settled:
    """plan, parts: of every layer that is recorded. across: those shown by one pass of the whole.

    left_out: those that look across a batch too large for one pass.
    """

    plan: Plan
    parts: tuple[Part, ...]
    across: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def settled(
    found: Found,
    plan: Plan,
    slices: Slices,
    run: Pass,
    make_pass: MakePass,
    replan: Callable[[Found], Plan],
) -> Settled:
    """What is recorded, and how, where a batch has several slices.

    Args:
      found: the entries that `plan` was made of, with their shapes.
      run: shows `plan`.
      replan: as `plan` was made, of other entries or shapes.

    Raises:
      ValueError: every layer looks across a batch that is too large for one pass.
    """
    count = len(Batch(slices.inputs))
    if count <= slices.size:
        return Settled(plan, (Part(slices, run),))
    whole = affordable(plan.layers, count)
    few = affordable(plan.layers, count, UNASKED_BYTES)
    try:
        across = _across(run, plan, slices, whole and few)
        if across and whole and not few:  # their shapes are those of the whole
            across = _across(run, plan, slices, True)
    except Exception:  # the model takes no other number of examples
        across = {}
    if not across:
        return Settled(plan, (Part(slices, run),))
    if whole:
        return _in_two(found, slices, make_pass, replan, across)
    rest = [(entry, shape) for entry, shape in found if entry.name not in across]
    if not rest:
        raise ValueError(refusal(across, count))
    plan = replan(rest)
    return Settled(plan, (Part(slices, make_pass(plan.layers)),), left_out=tuple(across))


def refusal(names: Iterable[str], count: int | None = None) -> str:
    """Why such layers cannot be recorded."""
    examples = "all examples" if count is None else f"all {count} examples"
    return (
        f"{named(names)} look across the batch, and one pass of {examples} would take too much "
        "memory: give fewer examples as data"
    )


def named(names: Iterable[str]) -> str:
    """`'a', 'b' and 9 more`."""
    every = [repr(name) for name in names]
    rest = len(every) - 8
    return ", ".join(every[:8]) + (f" and {rest} more" if rest > 0 else "")


def _across(run: Pass, plan: Plan, slices: Slices, whole: bool) -> dict[str, tuple[int, ...]]:
    """Over the whole batch, or over one slice and its two halves."""
    size = slices.size
    if not whole:
        slices = replace(slices, inputs=span(slices.inputs, 0, size, slices.cut))
        size = (size + 1) // 2
    (every,) = replace(slices, size=len(Batch(slices.inputs)))
    return looking_across(run, plan.layers, replace(slices, size=size), every, plan.examples)


def _in_two(
    found: Found,
    slices: Slices,
    make_pass: MakePass,
    replan: Callable[[Found], Plan],
    across: dict[str, tuple[int, ...]],
) -> Settled:
    """A pass in slices for the layers that do not look across, one of the whole for the others."""
    count = len(Batch(slices.inputs))
    shapes = [
        (entry, _returned(entry, count, across[entry.name]) if entry.name in across else shape)
        for entry, shape in found
    ]
    plan = replan(shapes)
    parts = []
    for wanted, size in ((False, slices.size), (True, count)):
        layers = tuple(layer for layer in plan.layers if (layer.name in across) is wanted)
        if layers:
            parts.append(Part(replace(slices, size=size), make_pass(layers)))
    return Settled(plan, tuple(parts), across=tuple(across))


def _returned(entry: Entry, count: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that the layer returns, of one with its channels last."""
    if entry.channels_first:
        shape = (shape[-1], *shape[:-1])
    return (count, *shape)
