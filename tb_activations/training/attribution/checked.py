"""What a randomization check found: correlations by method and stage, and a verdict for each."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tb_activations.training.attribution.methods import AttributionMethod

WEIGHTS = ("permuted", "redrawn")
_SHOWN = 3  # layers that a row names


@dataclass(frozen=True, eq=False)
class CheckedMethod:
    """One method's maps with weights made random, beside those with the weights as they are.

    method: with its options and, for Grad-CAM, the layer that it chose. layer: where maps were
    taken, None for inputs. signed, absolute: float64 `[stages, trials, n]`, of several targets
    `[stages, trials, n, k]`: Spearman's correlation of the maps' values, and of their magnitudes;
    NaN where a map has one value alone, or none that is finite.
    """

    method: AttributionMethod
    layer: str | None
    signed: np.ndarray
    absolute: np.ndarray

    @property
    def likeness(self) -> np.ndarray:
        """`[stages]`: the mean magnitude of the signed correlations; NaN where there are none.

        Of the magnitude, as a map that only turns its sign shows the same places.
        """
        return means(np.abs(self.signed))


@dataclass(frozen=True, eq=False)
class RandomizationCheck:
    """What became of each method's maps. `str` is a table, `to_markdown` one for a page.

    Attributes:
      methods: {name: `CheckedMethod`}, in the order given; a second one of a name ends in `:2`.
      stages: the layers that became random at each stage, beside those of the stages before.
      weights: "permuted" or "redrawn". threshold: see `verdicts`.
      left_out: {method: why it does not run on this model}.
    """

    methods: Mapping[str, CheckedMethod]
    stages: tuple[tuple[str, ...], ...]
    weights: str = "permuted"
    threshold: float = 0.5
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdicts(self) -> dict[str, str]:
        """{name: "passes", "fails" or "cannot be told"}.

        A method fails where its maps' likeness (see `CheckedMethod.likeness`), in the mean over the
        stages, is `threshold` or more; where no map has an order, nothing can be told.
        """
        return {name: self._verdict(one) for name, one in self.methods.items()}

    def _verdict(self, one: CheckedMethod) -> str:
        mean = likeness_of(one)
        if np.isnan(mean):
            return "cannot be told"
        return "fails" if mean >= self.threshold else "passes"

    def to_markdown(self) -> str:
        """A table: a row a method, a column a stage, each with `signed | absolute`."""
        head = ["method", *(_stage(one) for one in self.stages), "likeness", "verdict"]
        rows = [[f"`{row[0]}`", *row[1:]] for row in self._rows()]
        lines = [head, ["---"] * len(head), *rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON has it; null for what is no number."""
        verdicts = self.verdicts
        return {
            "weights": self.weights,
            "threshold": self.threshold,
            "stages": [list(one) for one in self.stages],
            "methods": {
                name: {
                    "method": one.method.method,
                    "options": dict(one.method.options),
                    "layer": one.layer,
                    "signed": _listed(one.signed),
                    "absolute": _listed(one.absolute),
                    "likeness": _listed(one.likeness),
                    "verdict": verdicts[name],
                }
                for name, one in self.methods.items()
            },
            "left_out": dict(self.left_out),
        }

    def __str__(self) -> str:
        """The same table in columns, what was random in each stage, and what was left out."""
        numbers = [f"{i + 1}" for i in range(len(self.stages))]
        rows = [["method", *numbers, "likeness", "verdict"], *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
        return "\n".join([*(line.rstrip() for line in lines), *self._notes()])

    def _rows(self) -> Iterator[list[str]]:
        """Texts of each method; a stage is `signed/absolute`."""
        for (name, one), verdict in zip(self.methods.items(), self.verdicts.values(), strict=True):
            pairs = zip(means(one.signed), means(one.absolute), strict=True)
            cells = [f"{_number(a)}/{_number(b)}" for a, b in pairs]
            yield [name, *cells, _number(likeness_of(one)), verdict]

    def _notes(self) -> Iterator[str]:
        yield (
            "each stage: the mean rank correlation of signed values / of magnitudes with the maps "
            f"of the weights as they are; fails from a likeness of {self.threshold:g} on"
        )
        for i, layers in enumerate(self.stages):
            more = "" if i == 0 else " too"
            yield f"{i + 1}: {self.weights}{more}: {_stage(layers)}"
        for name, reason in self.left_out.items():
            yield f"left out: {name}: {reason}"


def likeness_of(one: CheckedMethod) -> float:
    """The mean over the stages, NaN where there is none."""
    return float(means(one.likeness[None])[0])


def means(values: np.ndarray) -> np.ndarray:
    """`[stages]`: over all that is a number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a stage without a number
        return np.nanmean(values.reshape(len(values), -1), axis=1)


def _number(value: float) -> str:
    """`-.03`, `.98`, `1.0`; a dash for none."""
    if np.isnan(value):
        return "–"
    if abs(value) >= 0.995:
        return f"{value:.1f}"
    return f"{round(value, 2) + 0.0:.2f}".replace("0.", ".")


def _stage(layers: Sequence[str]) -> str:
    """`out`, or `conv1, conv2 and 4 more`."""
    more = len(layers) - _SHOWN
    return ", ".join(layers[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _listed(array: np.ndarray) -> Any:
    """Nested lists, null for NaN."""
    if array.ndim > 1:
        return [_listed(one) for one in array]
    return [None if np.isnan(one) else float(one) for one in array]
