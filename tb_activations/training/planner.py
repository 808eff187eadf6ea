"""What one update keeps of each layer, within its limit of bytes, and how that is said."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

from tb_activations.record.options import Options
from tb_activations.training.plan import Plan, layer_plan, megabytes
from tb_activations.training.selection import Entry
from tb_activations.training.whole import Settled, named, refusal


class Planner:
    """Plans updates.

    Args:
      options: how records are made.
      budget: bytes that one update may write, None for no limit.

    Raises:
      ValueError: a budget that is no positive number.
    """

    def __init__(self, options: Options, budget: int | None) -> None:
        if budget is not None and budget < 1:
            raise ValueError(
                f"max_bytes_per_update is {budget!r}; it must be a positive number of bytes, or "
                "None"
            )
        self._options = options
        self.budget = budget
        self._unlimited: Plan | None = None  # the last plan, without the limit

    def plan(
        self, entries: Iterable[tuple[Entry, Sequence[int]]], examples: int, before: int
    ) -> Plan:
        """What is kept of each entry.

        Args:
          entries: each with the shape that the layer returned, `(n, …)`.
          examples: in the batch.
          before: tags that stand before the layers'.
        """
        ceiling = self._options.max_channels
        layers = tuple(
            layer_plan(one.name, one.order + before, shape, one.channels_first, ceiling, one.fold)
            for one, shape in entries
        )
        kept = min(self._options.max_outputs, examples)
        self._unlimited = Plan(layers, kept, self._options.precision)
        return self._unlimited.within(self.budget)

    def say(self, result: Settled, log_dir: str, verbose: int) -> None:
        """What each update will write, and what it leaves out."""
        plan, full = result.plan, self._unlimited or result.plan
        if verbose:
            print(f"Activations: each update writes {plan.describe()}, to {log_dir}")
        if result.across and verbose:
            print(
                f"Activations: {named(result.across)} look across the batch, and are shown by one "
                "pass of all examples"
            )
        if result.left_out:
            warnings.warn(f"left out: {refusal(result.left_out)}", stacklevel=5)
        lowered = plan.lowered_from(full)
        if lowered and verbose:
            print(
                f"Activations: to stay within max_bytes_per_update={self.budget:,}, it keeps "
                f"{lowered}"
            )
        if self.budget is not None and plan.bytes > self.budget:
            warnings.warn(
                f"even one example and one channel of each of {len(plan.layers)} layers take "
                f"{megabytes(plan.bytes)} an update, more than max_bytes_per_update="
                f"{self.budget:,}: choose fewer layers",
                stacklevel=4,
            )
