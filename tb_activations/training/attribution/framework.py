"""What a framework hands in: one model that can be asked for scores and gradients.

A point is where an attribution is taken: an input, or the output of one layer call. All arrays that
cross this border are NumPy's, floating point ones float32 or float64, `[m, …]` for m rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Point:
    """An input or a layer's output.

    name: `input`, `input.a`, or the name of the entry. shape: of one example, as the model has it.
    dtype: "float32" or "float64", of the values and gradients there. data_format: "channels_last"
    or "channels_first". leaf: which of the inputs' arrays, None for a layer's output. handle: the
    framework's own, None for an input. floating: whether the inputs are real numbers as given.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    data_format: str = "channels_last"
    leaf: int | None = None
    handle: Any = None
    floating: bool = True

    @property
    def channel_axis(self) -> int:
        """Of `[m, …]`."""
        return 1 if self.data_format == "channels_first" else len(self.shape)

    @property
    def positions(self) -> int:
        """How many places one channel has."""
        sides = self.shape[1:] if self.data_format == "channels_first" else self.shape[:-1]
        return int(np.prod(sides, dtype=np.int64))


@dataclass(frozen=True)
class Survey:
    """What one small pass shows.

    inputs: the arrays that the model takes, as far as they hold numbers. outputs: of layers, in
    the order of execution, those that gradients can be taken at. maps: those of `outputs` that
    show an example at more than one position, before the head. embedded: the outputs of embedding
    layers. classes: how many the output tells apart, None where it is not one row of them for each
    example. output_shapes: name → shape of each output. ending: "softmax", "log_softmax" or
    "sigmoid" where one was found, else None. alone: `[classes]`, or `[1]` where a function scores,
    of the first example by itself; None where neither can be. remarks: sentences about the model.
    row_bytes: what the activations of one example take. tolerance: by how much of their largest
    scores may differ from pass to pass, by rounding. batch: the size of batch that the model
    insists on, None for any.
    """

    inputs: tuple[Point, ...]
    outputs: tuple[Point, ...]
    maps: tuple[Point, ...]
    embedded: tuple[Point, ...]
    classes: int | None
    output_shapes: Mapping[str, tuple[int, ...]]
    ending: str | None
    alone: np.ndarray | None
    remarks: tuple[str, ...]
    row_bytes: int
    tolerance: float
    batch: int | None


@dataclass(frozen=True)
class Guided:
    """A rule for the way back: a ReLU passes a gradient where it, and what the ReLU got, is > 0."""


@dataclass(frozen=True)
class Relevance:
    """Rules for the way back that share out the score: layer-wise relevance propagation.

    epsilon: added to what is divided by, with its sign. gamma: by how much contributions of an
    output's own sign count more, in convolutions, with `dense` in dense layers, too. bounds: the
    lowest and highest value of an input, for the layers that take it itself; None where not known.
    """

    epsilon: float
    gamma: float
    dense: bool
    bounds: tuple[float, float] | None


Rules = Guided | Relevance


class NotHere(ValueError):
    """Rules are not for this model. method: one that is, wherever there is a gradient at all."""

    def __init__(self, why: str, method: str) -> None:
        super().__init__(why)
        self.method = method


@dataclass(frozen=True)
class Pass:
    """What one pass of m rows shows.

    scores: `[m]`. classes: int64 `[m]`, those scored, or None where a function scores. probability:
    `[m]`, or None. values: at each point asked for. gradients: of the scores there, None where the
    scores do not depend on it; by the rules where some were given, and with `Relevance` what of the
    score each value accounts for. table: `[m, classes]`, the score of every class, where asked for.
    remarks: what must be said of the rules.
    """

    scores: np.ndarray
    classes: np.ndarray | None
    probability: np.ndarray | None
    values: tuple[np.ndarray, ...] = ()
    gradients: tuple[np.ndarray | None, ...] = ()
    table: np.ndarray | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerWeights:
    """The weights of one layer: what reads them all, and what writes others into their place."""

    layer: str
    read: Callable[[], list[np.ndarray]]
    write: Callable[[Sequence[np.ndarray]], None]


class Explained(Protocol):
    """A model and its inputs, with what is asked of it.

    inputs: the arrays of the inputs `[n, …]`, NumPy's where they hold numbers. independent: whether
    the examples of a batch leave each other's scores alone, None until a question has found out;
    `survey.alone`, which it is compared with, is of the weights at the time of the survey.
    known_rules: kinds of rules that `run` can follow; none where it lacks the attribute.
    """

    survey: Survey
    inputs: list[Any]
    independent: bool | None

    def rows(self, indices: np.ndarray) -> Any:
        """Those examples of the inputs, nested as the model takes them."""

    def refresh(self) -> None:
        """Makes `survey.alone` that of the weights as they are now."""

    def weights(self) -> list[LayerWeights]:
        """Of every layer that has some of its own, in the order of execution."""

    def chosen(self, layer: Any) -> Point:
        """The one output that a selector of layers chooses.

        Raises:
          ValueError: none, several, or one that no gradient passes through.
        """

    def run(
        self,
        inputs: Any,
        classes: np.ndarray,
        at: Sequence[Point] = (),
        put: Mapping[Point, np.ndarray] | None = None,
        *,
        gradients: bool = False,
        table: bool = False,
        rules: Rules | None = None,
    ) -> Pass:
        """One pass of m rows.

        Args:
          inputs: nested arrays `[m, …]`.
          classes: int64 `[m]`; −1 in all for the class that the model predicts.
          at: points whose values, and with `gradients` whose gradients, are wanted.
          put: values to go on with at a point, instead of its own.
          rules: for the way back, None for plain gradients.

        Raises:
          NotHere: the rules are not for this model.
        """
