"""The answer: maps as true values, with what they explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tb_activations.training.batch import leaves


@dataclass(frozen=True, eq=False)
class Attribution:
    """Maps of one method, signed, as they were computed.

    `np.asarray` gives the values, where the model has one input.

    Attributes:
      values: float32 (float64 where the model computes so) `[n, …, c]`, in the layout of what is
        explained; `[n, k, …, c]` where k targets were asked for. Nested as the inputs are where
        there are several; {name: array} where some are taken at layers.
      target: int64 `[n]` or `[n, k]`, the classes explained; None where a function scores.
      score: `[n]` or `[n, k]`, of the target: its logit, its probability or the output's value, as
        `output` says.
      probability: of the target, None where the model's output is no probability.
      baseline_score: the score at the baseline, None where the method has no baseline.
      gap: what the values do not account for, in units of the score: score − baseline score − sum
        of the values for `integrated_gradients`, score − sum of the values for
        `gradient_x_input` and `lrp`; None where a method promises no sum.
      method, parameters: its name, and its options as they were used.
      of: what is explained: `input`, `input.a`, or the name of a layer's output, one for each
        array of the values.
      layer: the name of the layer's output, None where inputs are explained.
      output: "logit", "probability" or "value": what the score is.
      data_format: of the values, "channels_last" or "channels_first".
      standard_error: of the values, laid out as they are; None where nothing is drawn.
      remarks: sentences to be read beside the maps; each was a warning, too.
    """

    values: Any
    target: np.ndarray | None
    score: np.ndarray
    probability: np.ndarray | None
    baseline_score: np.ndarray | None
    gap: np.ndarray | None
    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    of: tuple[str, ...] = ()
    layer: str | None = None
    output: str = "logit"
    data_format: str = "channels_last"
    standard_error: Any = None
    remarks: tuple[str, ...] = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        arrays = leaves(self.values)
        if len(arrays) != 1:
            raise TypeError(
                f"these are maps of {', '.join(self.of)}: take one of `.values`, which holds "
                f"{len(arrays)} arrays"
            )
        array = arrays[0] if dtype is None else arrays[0].astype(dtype, copy=False)
        return array.copy() if copy else array

    def __repr__(self) -> str:
        shapes = ", ".join(str(list(array.shape)) for array in leaves(self.values))
        return f"Attribution({self.method} of {', '.join(self.of)}: {shapes}, {self.output})"
