"""What a classifier answers over steps, for `/answers`: the likeliest classes, the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tb_activations.record.errors import RecordError
from tb_activations.record.run import Classifier
from tb_activations.record.storage import restore
from tb_activations.record.values import Record, read_values
from tb_activations.server.lookup import NotThere
from tb_activations.server.positions import chosen_of
from tb_activations.sources.series import Gone, Series, Where, quoted

LIKELIEST = 5


@dataclass(frozen=True)
class Answer:
    """One step, an entry an example: None where the step does not hold it.

    top: the likeliest classes, at most LIKELIEST. probabilities: of those. right: the probability
    of the class that would be right. NaN where the layer's values make none.
    """

    top: list[list[int] | None]
    probabilities: list[list[float] | None]
    right: list[float | None]


@dataclass(frozen=True)
class Answered:
    """The steps and what was answered at each, None where a record is damaged or holds no values.

    classes: how many there are. examples: positions in the batch of those kept at the last step.
    right: the class of each, None where it is not known. omitted: why there are no answers, None
    where there are.
    """

    classifier: Classifier
    classes: int
    examples: tuple[int, ...]
    right: list[int | None]
    steps: list[int]
    answers: list[Answer | None]
    omitted: str | None = None


def classifier_of(known: Sequence[Classifier], where: Where) -> Classifier:
    """The one that a tag is. Raises NotThere where it is none."""
    for one in known:
        if one.tag == where.tag:
            return one
    names = ", ".join(quoted(one.tag) for one in known) or "none"
    raise NotThere(f"{where} is no classifier's output; there is {names}")


def answered(series: Series, classifier: Classifier, rows: int, step: int | None) -> Answered:
    """The answers at `rows` steps, evenly chosen, and at the last one not after `step`.

    The last step of all says of which examples.

    Raises RecordError, Gone or OSError where its header cannot be read.
    """
    every = range(len(series.steps))
    if not every:
        return Answered(classifier, 0, (), [], [], [])
    header = series.header(every[-1])
    if header.channel_ids is not None:
        why = (
            f"only {len(header.channel_ids)} of the {header.channels} classes are stored; a larger "
            "max_channels or max_bytes_per_update keeps all"
        )
        return Answered(classifier, header.channels, (), [], [], [], why)
    chosen = set(chosen_of(every, rows))
    if step is not None:
        chosen.add(max(0, int(np.searchsorted(series.steps, step, "right")) - 1))
    known, positions = classifier.classes or (), sorted(chosen)
    right = [known[i] if i < len(known) else None for i in header.examples]
    return Answered(
        classifier,
        2 if header.channels == 1 else header.channels,
        header.examples,
        right,
        [int(series.steps[i]) for i in positions],
        [_read(series, i, classifier.form, header.examples, right) for i in positions],
    )


def probabilities(values: np.ndarray, form: str) -> np.ndarray:
    """Values `[n, k]`, float64, of one of `record.run.FORMS` → of each class, `[n, k]`.

    `[n, 2]` of a sigmoid of one channel.
    """
    with np.errstate(all="ignore"):
        if form == "logits":
            raised = np.exp(values - values.max(axis=1, keepdims=True))
            return raised / raised.sum(axis=1, keepdims=True)
        if form == "log_softmax":
            return np.exp(values)
        if form == "sigmoid_logits":
            values = 1 / (1 + np.exp(-values))
    if values.shape[1] == 1 and form.startswith("sigmoid"):
        return np.concatenate([1 - values, values], axis=1)
    return values


def _read(
    series: Series,
    position: int,
    form: str,
    examples: Sequence[int],
    right: Sequence[int | None],
) -> Answer | None:
    try:
        table = _table(series.record(position), form)
        rows = {id: row for id, row in zip(series.header(position).examples, table, strict=True)}
    except (RecordError, Gone, OSError):
        return None
    found = [rows.get(one) for one in examples]
    tops = [None if row is None else _likeliest(row) for row in found]
    return Answer(
        tops,
        [None if row is None else row[top].tolist() for row, top in zip(found, tops, strict=True)],
        [
            None if row is None or one is None or one >= len(row) else float(row[one])
            for row, one in zip(found, right, strict=True)
        ],
    )


def _table(record: Record, form: str) -> np.ndarray:
    """`[n, classes]`. Raises RecordError where some classes are not stored."""
    header = record.header
    if header.omitted or header.channel_ids is not None:
        raise RecordError("not every class is stored")
    values = restore(read_values(record), header.exponent)
    return probabilities(values.reshape(len(values), -1).astype(np.float64), form)


def _likeliest(row: np.ndarray) -> list[int]:
    """NaN is the least likely, and of equals the first is first."""
    order = np.argsort(-np.nan_to_num(row, nan=-1), kind="stable")
    return [int(one) for one in order[:LIKELIEST]]
