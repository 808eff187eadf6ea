"""Which of the model's outputs answers with classes, in what form, and what would be right.

Nothing is guessed that a framework can tell: a softmax that made what the model returns, or a loss
that takes its values for those of classes. Without either, an output is of classes where they are
called by as many names, or where the labels count about as many.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_activations.record.run import Classifier, RunFacts
from tb_activations.training.labels import labels_of
from tb_activations.training.selection import Entry
from tb_activations.training.shapes import Refusal

MOST_CLASSES = 1024  # examples whose right class is written down


@dataclass(frozen=True)
class Loss:
    """What a loss takes the values of an output for.

    kind: "categorical", "binary" or "other". logits: they are what probabilities are made of.
    """

    kind: str
    logits: bool = False


Losses = Callable[[str], Loss | None]  # of a part of what the model returns


@dataclass(frozen=True)
class Known:
    """What is known of the data.

    labels: as data brings them. count: of the examples. names: what the classes are called, or
    None. given: whether the user said so, and not the data.
    """

    labels: Any
    count: int
    names: Sequence[str] | None
    given: bool


def facts_of(
    found: Iterable[tuple[Entry, Sequence[int]]],
    known: Known,
    losses: Losses = lambda _: None,
) -> RunFacts:
    """The names of the classes, and the layers that answer with classes.

    Args:
      found: the entries, each with the shape that the layer returned, `(n, …)`.

    Raises:
      Refusal: class_names that were given do not count the classes of a model that ends in a
        softmax, or is trained with a loss of classes.
    """
    ends = [(entry, _width(shape)) for entry, shape in found if entry.returned]
    rows = [(entry, width) for entry, width in ends if width]
    listed = []
    for entry, width in rows:
        assert entry.returned
        loss = losses(entry.returned.part)
        if _is_certain(entry, width, loss):
            known = _fitting(known, entry.name, width, alone=len(rows) == 1)
        y = known.labels if len(rows) == 1 else _part_of(known.labels, entry.returned.part)
        right = right_classes(y, known, max(width, 2))
        form = _form(entry, width, known, right, loss)
        if form is not None:
            listed.append(Classifier(entry.name, form, right))
    return RunFacts(
        class_names=tuple(known.names) if known.names else None, classifiers=tuple(listed)
    )


def right_classes(y: Any, known: Known, classes: int) -> tuple[int | None, ...] | None:
    """The class of each example, None of one that is no class; None where none is."""
    if y is None or isinstance(y, Mapping) or not hasattr(y, "__len__") or len(y) != known.count:
        return None
    labels = labels_of(y, known.count)
    if labels is None:
        return None
    words = {name: i for i, name in enumerate(known.names or ())}
    numbered = not isinstance(y, list | tuple) or not isinstance(y[0], str | bytes)
    if numbered and np.asarray(y).dtype.kind not in "OUS":
        words = {str(i): i for i in range(classes)}
    right = tuple(words.get(label) for label in labels[:MOST_CLASSES])
    return right if any(one is not None for one in right) else None


def _width(shape: Sequence[int]) -> int:
    """How many values an example has in one row; 0 where they are no row."""
    sides = shape[1:]
    return math.prod(sides) if sum(side != 1 for side in sides) <= 1 else 0


def _is_certain(entry: Entry, width: int, loss: Loss | None) -> bool:
    """Whether the output is known to be of classes, whatever the names and labels are."""
    ending = entry.returned.ending if entry.returned else None
    if width == 1:
        return ending == "sigmoid" or (loss is not None and loss.kind == "binary")
    return ending in ("softmax", "log_softmax") or (loss is not None and loss.kind == "categorical")


def _fitting(known: Known, tag: str, width: int, alone: bool) -> Known:
    """What is known, without names that are not those of the classes."""
    count = len(known.names or ())
    if not count or count == width or (width == 1 and count == 2):
        return known
    if known.given and alone:
        some = ", ".join(repr(name) for name in (known.names or ())[:3])
        needed = "two: of class 0 and of class 1" if width == 1 else f"{width}, one for each class"
        raise Refusal(
            f"class_names names {count} ({some}{', …' if count > 3 else ''}); the model's output "
            f"{tag!r} has {width} {'value' if width == 1 else 'values'} an example: it must be a "
            f"list or tuple of {needed}"
        )
    return known if known.given else Known(known.labels, known.count, None, False)


def _form(
    entry: Entry,
    width: int,
    known: Known,
    right: tuple[int | None, ...] | None,
    loss: Loss | None,
) -> str | None:
    """One of FORMS, None where the output is not known to be of classes."""
    returned = entry.returned
    assert returned
    named = known.names is not None and len(known.names) == max(width, 2)
    counted = known.names is None and _reach(right, width)
    if returned.ending == "sigmoid" and (width == 1 or named or counted or _is(loss, "binary")):
        return "sigmoid_logits" if returned.before else "sigmoid"
    if returned.ending in ("softmax", "log_softmax"):
        return None if width == 1 else "logits" if returned.before else returned.ending
    if returned.ending is not None:
        return None
    if loss is not None:
        return _of_loss(loss, width)
    if width == 1:
        return "sigmoid_logits" if named and right else None
    return "logits" if named or counted else None


def _is(loss: Loss | None, kind: str) -> bool:
    return loss is not None and loss.kind == kind


def _of_loss(loss: Loss, width: int) -> str | None:
    if loss.kind == "binary":
        return "sigmoid_logits" if loss.logits else "sigmoid"
    if loss.kind == "categorical" and width > 1:
        return "logits" if loss.logits else "softmax"
    return None


def _reach(right: tuple[int | None, ...] | None, width: int) -> bool:
    """Whether the labels go into the upper half of the classes: values of a row that are no
    classes, such as an embedding's, are mostly more than there are labels.
    """
    return 2 * (1 + max((one for one in right or () if one is not None), default=-1)) > width


def _part_of(labels: Any, part: str) -> Any:
    """The targets of one output among several."""
    key = part[1:]
    if isinstance(labels, Mapping):
        return labels.get(key)
    if isinstance(labels, list | tuple) and key.isdigit() and int(key) < len(labels):
        return labels[int(key)]
    return None
