"""When a recorder explains what it records, what it says of that, and how maps become records."""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tb_activations.record.encoder import Kept
from tb_activations.record.options import Options, least
from tb_activations.record.scores import attribution_blobs
from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.attribution.explainer import Explainer, Explanations, Shown
from tb_activations.training.attribution.wanted import Wanted
from tb_activations.training.plan import megabytes
from tb_activations.training.progress import telling
from tb_activations.training.shapes import DataError, Refusal
from tb_activations.training.update import Update

HandOver = Callable[[Update, Callable[[], None], int], None]


class Attributions:
    """Explains at the updates that are due.

    Args:
      wanted: None for no attributions.
      options: how records are made.
      budget: bytes that one explanation may write, None for no limit.
      verbose: 0 for no word.

    tags: names of what it writes. step: the last that was explained, None before the first.
    """

    def __init__(
        self, wanted: Wanted | None, options: Options, budget: int | None, verbose: int
    ) -> None:
        self.wanted = wanted
        self.tags: list[str] = []
        self.step: int | None = None
        # Maps lie about zero, where float16 hides nothing that varies.
        self._options = replace(options, precision=least(options.precision))
        self._budget = budget
        self._verbose = verbose
        self._explainer: Explainer | None = None
        self._before: Explainer | None = None
        self._of: Callable[[int], Explainer] | None = None  # so many of the examples
        self._updates = 0

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle takes along: it finds out anew what is explained."""
        return {**vars(self), "_explainer": None, "_before": None, "_of": None, "tags": []}

    def prepare(self, shown: Shown | None, count: int, first: int) -> None:
        """Finds out what can be explained; `settle` follows.

        Args:
          shown: the model and its data; None where it cannot be explained.
          count: of the examples. first: the order of the first tag.

        Raises:
          TypeError, ValueError: what cannot be explained, with what can.
        """
        if self.wanted is None:
            return
        if shown is None:
            raise ValueError(
                "attributions explain one model; of several at once, and of one that is sharded "
                "over processes, they cannot be logged"
            )
        self._before = self._explainer
        self._of = functools.partial(Explainer, self.wanted, shown, first=first)
        with telling("finding out what can be explained", self._verbose):
            try:
                self._explainer = self._of(count)
            except DataError:
                raise
            except ValueError as e:  # of what was asked for: the model takes its data
                raise Refusal(str(e)) from e
        self.tags = [layout.tag for layout in self._explainer.layouts]

    def settle(self, kept: int, log_dir: str) -> None:
        """Explains no example but those whose inputs are kept, and says what that costs."""
        if self._explainer is None or self._of is None:
            return
        if self._explainer.examples > kept:
            self._explainer = self._of(kept)
        explainer = self._explainer
        if self._before is not None:
            explainer.keep_targets(self._before)
        precision = self._options.precision
        explainer.limit(self._options.max_channels, self._budget, precision)
        size = explainer.bytes(precision)
        if self._verbose:
            print(
                f"Activations: explained are {explainer.described()}, {self._when()}; that writes "
                f"at most {megabytes(size)} each time, to {log_dir}"
            )
        if self._budget is not None and size > self._budget:
            warnings.warn(
                f"the attributions take {megabytes(size)} each time, more than "
                f"max_bytes_per_update={self._budget:,}: choose fewer methods or examples",
                stacklevel=4,
            )

    def _when(self) -> str:
        every = self.wanted.every if self.wanted else 0
        return {0: "at the start and after each epoch", 1: "at each update"}.get(
            every, f"at every {every} updates"
        )

    @property
    def of_epochs(self) -> bool:
        """Whether it is the ends of epochs that are explained."""
        return self.wanted is not None and self.wanted.every == 0

    def due_at_update(self) -> bool:
        """Whether this update is explained; the first always is."""
        if self._explainer is None or self.wanted is None:
            return False
        first, every = self._updates == 0, self.wanted.every
        self._updates += 1
        return first or bool(every and (self._updates - 1) % every == 0)

    def due_at_end(self, step: int) -> bool:
        """Whether the end of an epoch is explained, at this step."""
        ready = self._explainer is not None and self.step is not None
        return self.of_epochs and ready and self.step != step

    def explain(self, step: int, update: Update, hand_over: HandOver) -> None:
        """Computes the maps, and hands over what is left to do. Raises what the model raises."""
        assert self._explainer is not None
        started = time.perf_counter()
        with telling("explaining", self._verbose if self.step is None else 0):
            for found in self._explainer.explain():
                write = functools.partial(write_explanations, update, found, self._options)
                hand_over(update, write, found.values.nbytes)
        if self.step is None and self._verbose:
            took = time.perf_counter() - started
            print(f"Activations: the first explanation took {took:.1f} s, {self._when()}")
        self.step = step


def write_explanations(update: Update, found: Explanations, options: Options) -> None:
    """The record of one tag's maps, on the worker."""
    values = found.values
    statistics = ChannelStatistics.of(values)
    if found.channel_ids is not None:
        values = values[..., list(found.channel_ids)]
    kept = Kept(
        values,
        statistics,
        batch=len(values),
        channels=found.values.shape[-1],
        channel_ids=found.channel_ids,
        explanation=found.explanation,
    )
    update.write(
        found.tag, attribution_blobs(kept, found.scores, update.labels(len(values)), options)
    )
