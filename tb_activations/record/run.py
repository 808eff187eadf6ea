"""What is constant for a run, in a record of its own: a tag of kind "run", hidden from lists.

The record is one of an array of a single 0, so that every reader indexes it as any other, and holds
one blob more, after the pages: UTF-8 JSON of the fields of `RunFacts`. A later record replaces an
earlier one. Fields may be added; a reader passes over those that it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from tb_activations.record.json_blob import blob_after, lone_blobs, parsed
from tb_activations.record.values import Record

RUN_TAG = "__run__"
MAX_BYTES = 64 << 20


class Field(NamedTuple):
    """What one axis of a layer sees of one axis of an input, in input pixels.

    Position i of the layer sees the pixels from `start + i * stride` on, `size` of them; pixel p
    covers p to p + 1. Parts beyond the input are its padding.
    """

    start: float
    size: float
    stride: float


FORMS = ("softmax", "log_softmax", "sigmoid", "logits", "sigmoid_logits")


@dataclass(frozen=True)
class Classifier:
    """A layer whose channels are the model's answer, one for each class.

    tag: the layer's. form: one of FORMS: of what its values are the probabilities, or "logits"
    that a softmax, "sigmoid_logits" that a sigmoid makes them of. classes: the right one of each of
    the batch's first examples, None where it is not known; None where none is. A sigmoid of one
    channel is the probability of class 1 of two.
    """

    tag: str
    form: str
    classes: tuple[int | None, ...] | None = None


@dataclass(frozen=True)
class RunFacts:
    """What is known of a run as a whole.

    receptive_fields: tag of an input → tag of a layer → a `Field` for each spatial axis. A layer
    that sees all of the input, or whose axes are not the input's, is not in it. class_names: what
    the classes are called, in their order, None where they have only numbers.
    classifiers: the layers that answer with classes, in the order of execution.
    """

    receptive_fields: Mapping[str, Mapping[str, tuple[Field, ...]]] = field(default_factory=dict)
    class_names: tuple[str, ...] | None = None
    classifiers: tuple[Classifier, ...] = ()


def run_blobs(facts: RunFacts) -> list[bytes]:
    """The blobs of the run's record."""
    return lone_blobs(_fields(facts))


def _fields(facts: RunFacts) -> dict[str, Any]:
    """The facts as JSON has them; what is not known is left out."""
    receptive = {
        source: {layer: [list(axis) for axis in axes] for layer, axes in layers.items()}
        for source, layers in facts.receptive_fields.items()
    }
    fields: dict[str, Any] = {"receptive_fields": receptive}
    if facts.class_names is not None:
        fields["class_names"] = list(facts.class_names)
    if facts.classifiers:
        fields["classifiers"] = [asdict(one) for one in facts.classifiers]
    return fields


def read_facts(record: Record) -> RunFacts:
    """The facts in a run's record. Raises RecordError where it does not hold them."""
    return parse_facts(blob_after(record))


def parse_facts(blob: bytes) -> RunFacts:
    """The facts in a blob, every field checked. Raises RecordError."""
    return parsed(blob, "facts of a run", MAX_BYTES, _facts)


def _facts(fields: dict[str, Any]) -> RunFacts:
    receptive = fields.get("receptive_fields", {})
    return RunFacts(
        {source: {tag: _axes(axes) for tag, axes in layers.items()}
         for source, layers in receptive.items()},
        _names(fields.get("class_names")),
        _classifiers(fields.get("classifiers", [])),
    )  # fmt: skip


def _names(names: Any) -> tuple[str, ...] | None:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise ValueError(f"class names {str(names)[:60]}")
    return tuple(names)


def _classifiers(listed: Any) -> tuple[Classifier, ...]:
    """Those of a form that is known here."""
    if not isinstance(listed, list):
        raise ValueError(f"classifiers {str(listed)[:60]}")
    return tuple(_classifier(one) for one in listed if one["form"] in FORMS)


def _classifier(fields: Mapping[str, Any]) -> Classifier:
    tag, classes = fields["tag"], fields.get("classes")
    numbers = [one for one in classes or () if one is not None]
    if not isinstance(tag, str) or not all(type(one) is int and one >= 0 for one in numbers):
        raise ValueError(f"a classifier {str(fields)[:60]}")
    return Classifier(tag, fields["form"], None if classes is None else tuple(classes))


def _axes(axes: Any) -> tuple[Field, ...]:
    fields = tuple(Field(*(float(number) for number in axis)) for axis in axes)
    if len(fields) > 3 or not all(map(_possible, fields)):
        raise ValueError(f"a receptive field of {str(axes)[:60]}")
    return fields


def _possible(axis: Field) -> bool:
    return all(map(math.isfinite, axis)) and axis.size > 0 and axis.stride > 0
