"""What the values of an attribution explain: the object in the header, and that in the metadata.

All of it is the same at every step; what changes is in `scores`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tb_activations.record.errors import RecordError

OUTPUTS = ("logit", "probability", "value")
BASELINES = ("number", "given", "mean")
_MAX_WORD = 1000
_MAX_PARAMETERS = 100
_MAX_CLASS = 1 << 40


@dataclass(frozen=True)
class Baseline:
    """What an example is compared with.

    kind: "number", with its value; "given", an array; or "mean", that of each of the example's
    channels over its positions.
    """

    kind: str = "number"
    value: float | None = 0.0


@dataclass(frozen=True)
class Explanation:
    """What the values of a record are; see docs/format.md, "Attributions".

    method: its name. parameters: pairs of name and value, as they were used. of: the tag of what
    is explained. layer: where it was taken, None for an input. input: the tag of the input that
    the map lies over. output: "logit", "probability" or "value". targets, target_names: `[n][k]`,
    or None. parts: into how many channels each target is divided. reduce: "sum" where what is
    explained was summed over its channels. grid: the sides of the input that positions cover.
    """

    method: str
    of: str
    parameters: tuple[tuple[str, Any], ...] = ()
    layer: str | None = None
    input: str | None = None
    output: str = "logit"
    targets: tuple[tuple[int, ...], ...] | None = None
    target_names: tuple[tuple[str, ...], ...] | None = None
    parts: int = 1
    reduce: str | None = "sum"
    baseline: Baseline | None = None
    grid: tuple[int, ...] | None = None

    def fields(self) -> dict[str, Any]:
        """As JSON has it."""
        baseline = self.baseline and {"kind": self.baseline.kind, "value": self.baseline.value}
        return {**vars(self), "parameters": dict(self.parameters), "baseline": baseline}


def parse_explanation(fields: Any, examples: int, channels: int) -> Explanation:
    """The header's object, every field checked.

    Args:
      examples, channels: of the record; channels of the layer, kept or not.

    Raises:
      RecordError: a field that is missing or impossible.
    """
    if not isinstance(fields, Mapping):
        raise RecordError(f"an attribution that is {str(fields)[:60]!r}")
    parts = fields.get("parts")
    if not isinstance(parts, int) or isinstance(parts, bool) or parts < 1 or channels % parts:
        raise RecordError(f"an attribution whose parts are {parts!r}, of {channels} channels")
    shape = (examples, channels // parts)
    return Explanation(
        method=_word(fields, "method"),
        of=_word(fields, "of"),
        parameters=_parameters(fields.get("parameters", {})),
        layer=_word_or_none(fields, "layer"),
        input=_word_or_none(fields, "input"),
        output=_word(fields, "output", OUTPUTS),
        targets=_table(fields, "targets", shape, int),
        target_names=_table(fields, "target_names", shape, str),
        parts=parts,
        reduce=_word_or_none(fields, "reduce", ("sum",)),
        baseline=_baseline(fields.get("baseline")),
        grid=_grid(fields.get("grid")),
    )


def _word(fields: Mapping[str, Any], name: str, choices: Sequence[str] = ()) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > _MAX_WORD or (choices and value not in choices):
        raise RecordError(f"an attribution whose {name} is {str(value)[:60]!r}")
    return value


def _word_or_none(fields: Mapping[str, Any], name: str, choices: Sequence[str] = ()) -> str | None:
    return None if fields.get(name) is None else _word(fields, name, choices)


def _parameters(value: Any) -> tuple[tuple[str, Any], ...]:
    if not isinstance(value, Mapping) or len(value) > _MAX_PARAMETERS:
        raise RecordError(f"an attribution whose parameters are {str(value)[:60]!r}")
    return tuple((str(name), _parameter(one)) for name, one in value.items())


def _parameter(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_parameter(one) for one in value[:_MAX_WORD])
    if value is None or isinstance(value, str | int | float):
        return value
    raise RecordError(f"an attribution whose parameters hold {str(value)[:60]!r}")


def _table(fields: Mapping[str, Any], name: str, shape: tuple[int, int], kind: type) -> Any:
    """`[n][k]` of one kind, or None."""
    rows = fields.get(name)
    if rows is None:
        return None
    whole = (
        isinstance(rows, list)
        and len(rows) == shape[0]
        and all(isinstance(row, list) and len(row) == shape[1] for row in rows)
    )
    if not whole or not all(_possible(one, kind) for row in rows for one in row):
        raise RecordError(f"an attribution whose {name} are {str(rows)[:60]!r}")
    return tuple(tuple(row) for row in rows)


def _possible(value: Any, kind: type) -> bool:
    if kind is str:
        return isinstance(value, str)
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_CLASS


def _baseline(value: Any) -> Baseline | None:
    if value is None:
        return None
    if isinstance(value, Mapping) and value.get("kind") in BASELINES:
        number = value.get("value")
        if number is None or (isinstance(number, int | float) and math.isfinite(number)):
            return Baseline(value["kind"], None if number is None else float(number))
    raise RecordError(f"an attribution whose baseline is {str(value)[:60]!r}")


def _grid(value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    whole = isinstance(value, list) and len(value) <= 3 and all(_possible(v, int) for v in value)
    if not whole:
        raise RecordError(f"an attribution whose grid is {str(value)[:60]!r}")
    return tuple(value)
