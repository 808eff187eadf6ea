"""What one update writes: which layers, how much of each, and how many bytes at most.

Owns `LayerPlan`, one a tag, and `Plan`. A plan is made once, before the first step, from the shapes
that a first small pass shows; it keeps every layer, and where they do not fit into the byte budget
it lowers examples and channels by one common fraction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tb_activations.record.header import MAX_RECORD_BYTES
from tb_activations.record.options import kept_channels

_VALUE_BYTES = {"float16": 2, "float32": 4}
_CHANNEL_BYTES = 24  # six float32 statistics
_RECORD_BYTES = 700  # header, summary, metadata and frame of an event
_PAGE_OVERHEAD = 1.01  # a PNG of what cannot be compressed


@dataclass(frozen=True)
class LayerPlan:
    """One layer: its entry's name and order, and what is kept of it.

    shape: of one example, channels last, `(*spatial, c)`. channels_first: how the layer returns it.
    channel_ids: the channels kept, None for all.
    """

    name: str
    order: int
    shape: tuple[int, ...]
    channels_first: bool = False
    channel_ids: tuple[int, ...] | None = None

    @property
    def channels(self) -> int:
        return self.shape[-1]

    @property
    def kept_channels(self) -> int:
        return self.channels if self.channel_ids is None else len(self.channel_ids)

    def values(self, examples: int) -> int:
        """How many values are kept of so many examples."""
        return examples * math.prod(self.shape[:-1]) * self.kept_channels

    def bytes(self, examples: int, precision: str) -> int:
        """What one record takes on disk at most."""
        pages = self.values(examples) * _VALUE_BYTES[precision] * _PAGE_OVERHEAD
        return int(pages) + self.channels * _CHANNEL_BYTES + _RECORD_BYTES


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

    def within(self, budget: int | None) -> Plan:
        """The plan, its examples and channels lowered evenly until it fits, or to one of each."""
        plan = self._checked() if budget is None else self._lowered(budget)
        return plan._checked()

    def _lowered(self, budget: int) -> Plan:
        if self.bytes <= budget:
            return self
        steps = 1000
        fitting = [i for i in range(1, steps) if self.scaled(i / steps, i / steps).bytes <= budget]
        both = max(fitting, default=1) / steps
        # The number of examples is rounded down, which leaves room for more channels.
        wider = [i for i in range(1, steps + 1) if self.scaled(both, i / steps).bytes <= budget]
        return self.scaled(both, max(wider, default=1) / steps)

    def scaled(self, examples: float, channels: float) -> Plan:
        """The plan with these fractions of its examples and of each layer's channels."""
        return replace(
            self,
            layers=tuple(_fewer_channels(layer, channels) for layer in self.layers),
            examples=max(1, int(self.examples * examples)),
        )

    def _checked(self) -> Plan:
        """Refuses a record over the limit of the format."""
        for layer in self.layers:
            size = layer.values(self.examples) * _VALUE_BYTES[self.precision]
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
) -> LayerPlan:
    """The plan of a layer that returns `shape`, `(n, …)`."""
    sides = [int(side) for side in shape[1:]]
    if channels_first:
        sides = [*sides[1:], sides[0]]
    ids = kept_channels(sides[-1], max_channels)
    return LayerPlan(name, order, tuple(sides), channels_first, ids)


def megabytes(count: int) -> str:
    """`0.6 MB`; kilobytes below a tenth of one."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"


def _fewer_channels(layer: LayerPlan, fraction: float) -> LayerPlan:
    if fraction >= 1 or not layer.kept_channels:
        return layer
    wanted = max(1, int(layer.kept_channels * fraction))
    every = range(layer.channels) if layer.channel_ids is None else layer.channel_ids
    chosen = kept_channels(len(every), wanted)
    if chosen is None:
        return layer
    return replace(layer, channel_ids=tuple(int(i) for i in np.asarray(every)[list(chosen)]))
