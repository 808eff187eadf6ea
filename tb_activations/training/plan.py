"""What one update writes: which layers, how much of each, and how many bytes at most.

Owns `LayerPlan`, one a tag, and `Plan`. A plan is made once, before the first step, from the shapes
that a first small pass shows; it keeps every layer, and where they do not fit into the byte budget
it lowers examples and channels by one common fraction, found by bisection over sizes alone. The
smallest layers keep their channels: a classifier's answers cost nothing, and are of no use in part.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np

from tb_activations.record.header import MAX_RECORD_BYTES
from tb_activations.record.options import kept_channels, value_bytes
from tb_activations.training.fold import Fold

_CHANNEL_BYTES = 24  # six float32 statistics
_RECORD_BYTES = 700  # header, summary, metadata and frame of an event
_STEPS = 1000  # a fraction is so many thousandths
_SMALL = 0.1  # of the budget: what the values of the layers that stay whole may take together
_PAGE_OVERHEAD = 1.01  # a PNG of what cannot be compressed


@dataclass(frozen=True)
class LayerPlan:
    """One layer: its entry's name and order, and what is kept of it.

    shape: of one example, channels last, `(*spatial, c)`. channels_first: how the layer returns it.
    channel_ids: the channels kept, None for all. fold: how the layer's rows make the examples, None
    where each is one.
    """

    name: str
    order: int
    shape: tuple[int, ...]
    channels_first: bool = False
    channel_ids: tuple[int, ...] | None = None
    fold: Fold | None = None

    @property
    def channels(self) -> int:
        return self.shape[-1]

    @property
    def kept_channels(self) -> int:
        return self.channels if self.channel_ids is None else len(self.channel_ids)

    def values(self, examples: int, fraction: float = 1) -> int:
        """How many values are kept of so many examples, with this fraction of the channels."""
        return examples * math.prod(self.shape[:-1]) * self._fewer(fraction)

    def bytes(self, examples: int, precision: str, fraction: float = 1) -> int:
        """What one record takes on disk at most."""
        pages = self.values(examples, fraction) * value_bytes(precision) * _PAGE_OVERHEAD
        return int(pages) + self.channels * _CHANNEL_BYTES + _RECORD_BYTES

    def scaled(self, fraction: float) -> LayerPlan:
        """The layer with this fraction of its channels, evenly spread, at least one."""
        chosen = kept_channels(self.kept_channels, self._fewer(fraction))
        if chosen is None:
            return self
        every = self.channel_ids
        return replace(
            self, channel_ids=chosen if every is None else tuple(every[i] for i in chosen)
        )

    def unfolded(self, values: Any, ops: Any = np) -> Any:
        """What the layer returned, a row an example; `ops` as in `Fold.unfolded`."""
        return self.fold.unfolded(values, self.channels_first, ops) if self.fold else values

    def _fewer(self, fraction: float) -> int:
        """The number of channels that this fraction of them keeps."""
        count = self.kept_channels
        return max(1, int(count * fraction)) if fraction < 1 and count else count


@dataclass(frozen=True)
class Plan:
    """One update: the layers in order, and how many examples are kept of each."""

    layers: tuple[LayerPlan, ...]
    examples: int
    precision: str

    @property
    def values(self) -> int:
        return sum(layer.values(self.examples) for layer in self.layers)

    @property
    def bytes(self) -> int:
        return sum(layer.bytes(self.examples, self.precision) for layer in self.layers)

    def spare(self, budget: int | None) -> float:
        """The bytes by which records of precision "auto" may grow into float32."""
        return math.inf if budget is None else max(0, budget - self.bytes)

    def within(self, budget: int | None) -> Plan:
        """The plan, lowered evenly until it fits, or to one example and channel of each layer."""
        plan = self._checked() if budget is None else self._lowered(budget)
        return plan._checked()

    def _lowered(self, budget: int) -> Plan:
        if self.bytes <= budget:
            return self
        whole = self._whole(budget)
        both = _largest(range(1, _STEPS), lambda i: self._size(i, i, whole) <= budget)
        # The number of examples is rounded down, which leaves room for more channels.
        wider = _largest(range(1, _STEPS + 1), lambda i: self._size(both, i, whole) <= budget)
        layers = tuple(
            layer if i in whole else layer.scaled(wider / _STEPS)
            for i, layer in enumerate(self.layers)
        )
        return Plan(layers, self._fewer_examples(both), self.precision)

    def _whole(self, budget: int) -> Set[int]:
        """The smallest layers, which keep their channels; none where that leaves no plan."""
        sizes = [layer.values(self.examples) * value_bytes(self.precision) for layer in self.layers]
        order = sorted(range(len(sizes)), key=sizes.__getitem__)
        together = accumulate(sizes[i] for i in order)
        whole = {i for i, total in zip(order, together, strict=True) if total <= budget * _SMALL}
        return whole if self._size(1, 1, whole) <= budget else set()

    def _size(self, examples: int, channels: int, whole: Set[int]) -> int:
        """What the plan takes with these steps of its examples and of each layer's channels."""
        kept, fraction = self._fewer_examples(examples), channels / _STEPS
        return sum(
            layer.bytes(kept, self.precision, 1 if i in whole else fraction)
            for i, layer in enumerate(self.layers)
        )

    def _fewer_examples(self, step: int) -> int:
        return max(1, int(self.examples * (step / _STEPS)))

    def _checked(self) -> Plan:
        """Refuses a record over the limit of the format."""
        for layer in self.layers:
            size = layer.values(self.examples) * value_bytes(self.precision)
            if size > MAX_RECORD_BYTES:
                raise ValueError(
                    f"layer {layer.name!r} would write {size:,} bytes in one record, which holds "
                    f"at most {MAX_RECORD_BYTES:,}: lower max_outputs or max_channels"
                )
        return self

    def describe(self) -> str:
        """`12 layers, 301,056 values, at most 0.6 MB`."""
        count = len(self.layers)
        noun = "layer" if count == 1 else "layers"
        return f"{count} {noun}, {self.values:,} values, at most {megabytes(self.bytes)}"

    def lowered_from(self, full: Plan) -> str:
        """What was left out, `` where nothing was."""
        if self == full:
            return ""
        kept, every = (sum(layer.kept_channels for layer in p.layers) for p in (self, full))
        return (
            f"{self.examples} of {full.examples} examples and {kept:,} of {every:,} channels, "
            f"instead of {megabytes(full.bytes)}"
        )


def layer_plan(
    name: str,
    order: int,
    shape: Sequence[int],
    channels_first: bool,
    max_channels: int | None,
    fold: Fold | None = None,
) -> LayerPlan:
    """The plan of a layer that returns `shape`, `(n, …)`, once it is unfolded."""
    sides = [int(side) for side in shape[1:]]
    if channels_first:
        sides = [*sides[1:], sides[0]]
    ids = kept_channels(sides[-1], max_channels)
    return LayerPlan(name, order, tuple(sides), channels_first, ids, fold)


def megabytes(count: int) -> str:
    """`0.6 MB`; kilobytes below a tenth of one."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def _largest(steps: range, fits: Callable[[int], bool]) -> int:
    """The largest step that fits, by bisection: where one fits, all below it do. Else the first."""
    return steps[max(0, bisect.bisect_left(steps, True, key=lambda step: not fits(step)) - 1)]
