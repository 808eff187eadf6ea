"""A model's outputs → one score for each example: the target's logit, probability or value."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tb_activations.training.torch.tensors import parts

Endings = Sequence[tuple[str, torch.Tensor, torch.Tensor]]


@dataclass(frozen=True)
class Recognised:
    """How the logits of one output are found again: a function of this kind, and what it made.

    made: the shape of one example, where the output only holds the same values; None where it is
    the output itself.
    """

    kind: str
    made: tuple[int, ...] | None


@dataclass(frozen=True)
class Scorer:
    """output: "logit" or "probability". function: of the outputs, and of the layers where it takes
    two arguments, to `[m]`; None for the class of each row. known: part of the outputs → how its
    logits are found.
    """

    output: str
    function: Callable[..., Any] | None
    known: Mapping[str, Recognised]

    @property
    def wants_layers(self) -> bool:
        return self.function is not None and _takes_two(self.function)

    def __call__(
        self, outputs: Any, endings: Endings, chosen: Any, layers: Mapping[str, Any]
    ) -> dict[str, Any]:
        """score `[m]`; classes, table and made `[m, classes]`, None of a function.

        Args:
          chosen: int64 `[m]`, or None for the class predicted.
        """
        if self.function is not None:
            return {"score": self._of_function(outputs, endings, layers), "classes": None,
                    "table": None, "made": None}  # fmt: skip
        table, made = self.tables(outputs, endings)
        classes = table.argmax(1) if chosen is None else chosen
        score = table.gather(1, classes[:, None])[:, 0]
        return {"score": score, "classes": classes, "table": table, "made": made}

    def tables(self, outputs: Any, endings: Endings) -> tuple[torch.Tensor, torch.Tensor | None]:
        """`[m, classes]`: the score of each class, and its probability, None where it has none."""
        ((part, output),) = parts(outputs)
        known = self.known.get(part)
        logits = rows_of(logits_of(output, endings, known))
        if known is None:
            return logits, None
        made = rows_of(output)
        if known.kind == "sigmoid" and made.shape[1] == 1:  # one number stands for both classes
            made, logits = torch.cat([1 - made, made], 1), torch.cat([-logits, logits], 1)
        elif known.kind == "log_softmax":
            made = made.exp()
        return (made if self.output == "probability" else logits), made

    def _of_function(self, outputs: Any, endings: Endings, layers: Mapping[str, Any]) -> Any:
        assert self.function is not None
        if self.output == "logit" and isinstance(outputs, torch.Tensor):
            outputs = logits_of(outputs, endings, self.known.get(""))
        score = self.function(outputs, layers) if self.wants_layers else self.function(outputs)
        rows = next(len(one) for _, one in parts(outputs))
        shape = tuple(getattr(score, "shape", ()))
        if not isinstance(score, torch.Tensor) or shape not in ((rows,), (rows, 1)):
            what = shape if isinstance(score, torch.Tensor) else type(score).__name__
            raise ValueError(
                f"target returned {what} for {rows} examples; it must return one score for each, "
                f"[{rows}], such as `lambda outputs: outputs[:, 0]`"
            )
        return real(score.reshape(rows))


def rows_of(value: torch.Tensor) -> torch.Tensor:
    """The tensor as `[m, classes]`, in float32, or in float64 where it is."""
    return real(value.reshape(len(value), -1))


def real(value: torch.Tensor) -> torch.Tensor:
    return value if value.dtype in (torch.float32, torch.float64) else value.float()


def logits_of(output: torch.Tensor, endings: Endings, known: Recognised | None) -> torch.Tensor:
    """The logits of one output, itself where it has none."""
    if known is None:
        return output
    for kind, logits, made in reversed(endings):
        if made is output:
            return logits
        if known.made is not None and kind == known.kind and tuple(made.shape[1:]) == known.made:
            return logits.reshape(output.shape)
    raise ValueError(
        f"the {known.kind} that makes the output is not met behind the layer: it may be "
        "the layer's own; choose a layer before it"
    )


def recognised(outputs: Any, endings: Endings) -> dict[str, Recognised]:
    """Part → how its logits are found, from the tensors and values of one small pass."""
    found = {}
    for part, value in parts(outputs):
        for kind, _, made in reversed(endings):
            if made is value:
                found[part] = Recognised(kind, None)
                break
            if same_values(made, value):
                found[part] = Recognised(kind, tuple(made.shape[1:]))
                break
    return found


def same_values(made: torch.Tensor, output: torch.Tensor) -> bool:
    """Whether the output is the result in another shape or dtype."""
    if made.shape[:1] != output.shape[:1] or made.numel() != output.numel():
        return False
    a, b = (one.detach().reshape(-1).double() for one in (made, output))
    return bool(torch.isfinite(a).all() and torch.equal(a, b))


def looks_like_probabilities(output: torch.Tensor) -> bool:
    """Whether rows of at least two classes lie between 0 and 1 and sum to 1."""
    if output.dim() != 2 or output.shape[1] < 2 or not output.dtype.is_floating_point:
        return False
    rows = output.detach().double().cpu().numpy()
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3))


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return len([p for p in parameters if p.default is p.empty and p.kind in (0, 1)]) >= 2
