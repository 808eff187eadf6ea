"""What of a model's outputs is explained: one class for each example, several, or a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.training.attribution.framework import Survey

ACCEPTED = (
    'None or "predicted" (the class predicted), a class, classes [n] or [n, k], "label", "top3", '
    "or a function of the outputs that returns [n]"
)
PREDICTED = "predicted"


@dataclass(frozen=True)
class Target:
    """classes: int64 `[n]` or `[n, k]`, or None. top: of so many classes. function: scores."""

    classes: np.ndarray | None = None
    top: int | None = None
    function: Callable[..., Any] | None = None

    @property
    def several(self) -> bool:
        """Whether each example has an axis of targets."""
        return self.top is not None or (self.classes is not None and self.classes.ndim == 2)

    def check(self, survey: Survey) -> None:
        """Refuses a target that the outputs do not have.

        Raises:
          ValueError: says which outputs there are, and what could be asked.
        """
        if self.function is not None:
            return
        if survey.classes is None:
            raise ValueError(_no_classes(survey))
        if self.top is not None and self.top > survey.classes:
            raise ValueError(f"target 'top{self.top}': the model has {_classes(survey)}")
        if self.classes is not None:
            wrong = self.classes[(self.classes < 0) | (self.classes >= survey.classes)]
            if wrong.size:
                raise ValueError(
                    f"target {int(wrong.flat[0])} is out of range; the model has {_classes(survey)}"
                )


def parsed(target: Any, count: int, labels: Any = None) -> Target:
    """What was asked for.

    Args:
      count: of the examples. labels: what came with them, for "label".

    Raises:
      TypeError, ValueError: what is no target, with what is accepted.
    """
    if target is None:
        return Target()
    if isinstance(target, str):
        return _named(target, count, labels)
    if callable(target):
        return Target(function=target)
    classes = _array(target)
    if classes.dtype.kind not in "iu" or classes.ndim > 2:
        raise TypeError(f"target is {_shown(target, classes)}; it may be {ACCEPTED}")
    if classes.ndim == 0:
        return Target(np.full(count, int(classes), np.int64))
    if len(classes) != count:
        raise ValueError(f"target holds {len(classes)} classes for {count} examples")
    if classes.ndim == 2:
        _check_row(classes)
    return Target(classes.astype(np.int64))


def is_word(target: str) -> bool:
    """Whether a text is a target."""
    return target in ("label", PREDICTED) or _top(target) is not None


def _top(target: str) -> re.Match[str] | None:
    return re.fullmatch(r"top([1-9]\d*)", target)


def _named(target: str, count: int, labels: Any) -> Target:
    if target == PREDICTED:
        return Target()
    if target == "label":
        return Target(classes_of(labels, count))
    top = _top(target)
    if top is None:
        raise ValueError(f"target {target!r} is unknown; it may be {ACCEPTED}")
    return Target(top=int(top[1]))


def classes_of(labels: Any, count: int) -> np.ndarray:
    """Labels → int64 `[n]`: integers `[n]` or `[n, 1]`, or one-hot rows.

    Raises:
      ValueError: there are none, or they name no classes.
    """
    if labels is None:
        raise ValueError(
            "target 'label' needs labels: pass x as (x, y), or a dataset that yields pairs"
        )
    if isinstance(labels, Mapping) or (isinstance(labels, list | tuple) and _nested(labels)):
        raise ValueError("target 'label' takes the labels of one output; these are of several")
    classes = _array(labels)
    if classes.ndim == 2 and classes.shape[1] > 1 and _one_hot(classes):
        classes = classes.argmax(axis=1)
    classes = classes.reshape(-1) if classes.ndim == 2 and classes.shape[1] == 1 else classes
    whole = classes.dtype.kind in "iub" or (
        classes.dtype.kind == "f" and bool((classes == np.floor(classes)).all())
    )
    if classes.shape != (count,) or not whole:
        raise ValueError(
            f"target 'label': labels of shape {classes.shape} and dtype {classes.dtype} are not "
            f"one class for each of {count} examples"
        )
    return classes.astype(np.int64)


def _array(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):  # Torch's, on whatever device
        value = value.detach().cpu()
    return np.asarray(value)


def _nested(labels: Any) -> bool:
    return any(np.ndim(one) for one in labels) and len({np.shape(one) for one in labels}) > 1


def _one_hot(rows: np.ndarray) -> bool:
    if rows.dtype.kind not in "fiub":
        return False
    return bool(np.isin(rows, (0, 1)).all() and (rows.sum(axis=1) == 1).all())


def _check_row(classes: np.ndarray) -> None:
    for row in classes:
        if len(set(row.tolist())) < len(row):
            hint = "; for one-hot rows pass `y.argmax(axis=1)`" if _one_hot(classes) else ""
            raise ValueError(f"target names a class twice for one example: {row.tolist()}{hint}")


def _shown(target: Any, array: np.ndarray) -> str:
    if array.ndim == 0:
        return repr(target)
    return f"an array of shape {array.shape} and dtype {array.dtype}"


def _classes(survey: Survey) -> str:
    count = survey.classes
    return "one output, 0" if count == 1 else f"{count} classes, 0 to {(count or 0) - 1}"


def _no_classes(survey: Survey) -> str:
    shapes = survey.output_shapes
    if len(shapes) == 1:
        ((part, shape),) = shapes.items()
        example = f"outputs{_index(part)}" if part else "outputs"
        example += f"[:, {', '.join('0' for _ in shape)}]" if shape else ""
        return (
            f"the output [n, {', '.join(str(side) for side in shape)}] is not one row of classes "
            f"for each example: pass target as a function of it, such as "
            f"`lambda outputs: {example}`"
        )
    named = ", ".join(f"outputs{_index(part)} {['n', *shape]}" for part, shape in shapes.items())
    first, shape = next(iter(shapes.items()))
    rest = ", ".join([":", *("0" for _ in shape)])
    return (
        f"the model has {len(shapes)} outputs ({named.replace(chr(39), '')}): pass target as a "
        f"function of them, such as `lambda outputs: outputs{_index(first)}[{rest}]`"
    )


def _index(part: str) -> str:
    """`.q.0` → `['q'][0]`."""
    steps = part.split(".")[1:]
    return "".join(f"[{step}]" if step.isdigit() else f'["{step}"]' for step in steps)
