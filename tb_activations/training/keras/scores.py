"""A model's outputs → one score for each example: the target's logit, probability or value."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tb_activations.training.batch import mapped
from tb_activations.training.keras.endings import Ending, Notes
from tb_activations.training.keras.tensors import home_of, is_array, parts


@dataclass(frozen=True)
class Recognised:
    """How the logits of one output are found again: by the tensor itself, or by its shape."""

    kind: str
    made: tuple[int, ...] | None  # of one example, where the output only holds the same values


@dataclass(frozen=True)
class Scorer:
    """How outputs are scored.

    output: "logit" or "probability". function: of the outputs, and of the layers where it takes
    two arguments, to `[m]`; None for the class of each row. recognised: part of the outputs → how
    its logits are found.
    """

    output: str
    function: Callable[..., Any] | None
    recognised: Mapping[str, Recognised]

    @property
    def wants_layers(self) -> bool:
        return self.function is not None and _takes_two(self.function)

    def __call__(
        self, outputs: Any, notes: Notes, chosen: Any, layers: Mapping[str, Any]
    ) -> dict[str, Any]:
        """score `[m]`; chosen, table and made `[m, classes]`, None of a function.

        Args:
          chosen: bool `[m, classes]`, one of each row, or None for the class predicted.
        """
        if self.function is not None:
            return self._of_function(outputs, self._logits(outputs, notes), layers)
        table, made = self.tables(outputs, notes)
        if chosen is None:
            best = keras.ops.argmax(table, axis=1)
            chosen = keras.ops.cast(keras.ops.one_hot(best, table.shape[1]), "bool")
        score = keras.ops.sum(
            keras.ops.where(chosen, table, 0.0), axis=1
        )  # a NaN elsewhere does not count
        return {"score": score, "chosen": chosen, "table": table, "made": made}

    def tables(self, outputs: Any, notes: Notes) -> tuple[Any, Any]:
        """`[m, classes]`: the score of each class, and its probability, None where it has none."""
        ((part, output),) = [one for one in parts(outputs) if is_array(one[1])]
        known = self.recognised.get(part)
        logits = rows_of(logits_of(output, notes, known))
        if known is None:
            return logits, None
        output = rows_of(output)
        if known.kind == "sigmoid" and output.shape[1] == 1:  # one number stands for both classes
            output = keras.ops.concatenate([1 - output, output], axis=1)
            logits = keras.ops.concatenate([-logits, logits], axis=1)
        elif known.kind == "log_softmax":
            output = keras.ops.exp(output)
        return (output if self.output == "probability" else logits), output

    def _logits(self, outputs: Any, notes: Notes) -> dict[str, Any]:
        known = self.recognised
        return {part: logits_of(value, notes, known.get(part)) for part, value in parts(outputs)}

    def _of_function(
        self, outputs: Any, logits: dict[str, Any], layers: Mapping[str, Any]
    ) -> dict[str, Any]:
        assert self.function is not None
        if self.output == "logit":
            rest = iter(logits.values())
            outputs = mapped(lambda leaf: next(rest) if leaf is not None else None, outputs)
        given = (outputs, layers) if self.wants_layers else (outputs,)
        score = self.function(*given)
        rows = next(iter(logits.values())).shape[0]
        if not is_array(score) or tuple(score.shape) not in ((rows,), (rows, 1)):
            shape = tuple(score.shape) if is_array(score) else type(score).__name__
            raise ValueError(
                f"target returned {shape} for {rows} examples; it must return one score for each, "
                f"[{rows}], such as `lambda outputs: outputs[:, 0]`"
            )
        return {
            "score": real(keras.ops.reshape(score, (rows,))),
            "chosen": None,
            "table": None,
            "made": None,
        }


def rows_of(value: Any) -> Any:
    """The tensor as `[m, classes]`, in float32, or in float64 where it is."""
    flat = value if len(value.shape) == 2 else keras.ops.reshape(value, (value.shape[0], -1))
    return real(flat)


def real(value: Any) -> Any:
    """The tensor in float32, or in float64 where it is."""
    dtype = keras.backend.standardize_dtype(value.dtype)
    return value if dtype in ("float32", "float64") else keras.ops.cast(value, "float32")


def logits_of(output: Any, notes: Notes, known: Recognised | None) -> Any:
    """The logits of one output, itself where it has none."""
    if known is None:
        return output
    if known.made is None:
        ending = notes.of(output)
    else:
        ending = notes.last(
            lambda one: one.kind == known.kind and tuple(one.made.shape[1:]) == known.made
        )
    if ending is None:
        raise ValueError(
            f"the {known.kind} that makes the output is not met behind the layer: it may be "
            "the layer's own; choose a layer before it"
        )
    return ending.logits if known.made is None else like(ending.logits, output)


def like(logits: Any, output: Any) -> Any:
    return keras.ops.reshape(logits, output.shape)


def recognised(outputs: Any, notes: Notes) -> dict[str, Recognised]:
    """Part → how its logits are found, from the tensors and values of one small pass."""
    found = {}
    for part, value in parts(outputs):
        if not is_array(value):
            continue
        ending = notes.of(value)
        if ending is not None:
            found[part] = Recognised(ending.kind, None)
            continue
        ending = notes.last(lambda one, value=value: _same_values(one, value))  # type: ignore[misc]
        if ending is not None:
            found[part] = Recognised(ending.kind, tuple(ending.made.shape[1:]))
    return found


def _same_values(ending: Ending, output: Any) -> bool:
    """Whether the output is the ending's result in another shape or dtype."""
    if not is_array(ending.made) or home_of(ending.made) is not None:
        return False  # inside a loop or map, which has no values outside of it
    if int(np.prod(ending.made.shape)) != int(np.prod(output.shape)):
        return False
    if ending.made.shape[:1] != output.shape[:1]:
        return False
    made, given = (
        np.asarray(keras.ops.convert_to_numpy(real(one)), np.float64).reshape(-1)
        for one in (ending.made, output)
    )
    return bool(np.isfinite(made).all() and np.array_equal(made, given))


def looks_like_probabilities(output: np.ndarray) -> bool:
    """Whether rows of at least two classes lie between 0 and 1 and sum to 1."""
    if output.ndim != 2 or output.shape[1] < 2 or output.dtype.kind != "f":
        return False
    return bool((output >= 0).all() and np.allclose(output.sum(axis=1), 1, atol=1e-3))


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [p for p in parameters if p.default is p.empty and p.kind in (0, 1)]
    return len(needed) >= 2
