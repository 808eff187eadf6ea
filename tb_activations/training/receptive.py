"""The receptive field of every layer, found by changing pixels of the input and looking.

Knows no framework: `Show` runs a model and hands over what its layers return. In one example of the
base picture a single pixel is another one, at a place of its own on every axis; the positions of a
layer that then differ from the base see that pixel. From consecutive pixels at both ends of an axis
follow the start, size and stride of an interval that moves linearly (Araujo, Norris and Sim,
"Computing receptive fields of convolutional neural networks", Distill 2019, have the formulas for
what is measured here). Several draws, since a ReLU that is dead for one picture must not shrink it.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from tb_activations.record.run import Field
from tb_activations.training.plan import LayerPlan

DRAWS = 2
PATIENCE = 60.0  # seconds, after which the search is given up
MAX_STRIDE = 64
_FEW = 4  # positions on an axis below which each sees most of the input
_AMPLITUDE = 1000.0  # of a changed pixel: what few ways lead to must not drown in rounding
_MIDDLE = 2  # pixels in the middle of an axis, which tell strides apart

Take = Callable[[str, np.ndarray], None]
# What a model's layers return for examples `[k, …]` of one input: `take(name, values)` of each.
Show = Callable[[np.ndarray, Take], None]


@dataclass(frozen=True)
class Input:
    """One input of the model that can be logged: its tag, and `[n, …, c]`, or `[n, c, …]`.

    labels: one an example; None for the labels of the probe.
    """

    name: str
    array: np.ndarray
    channels_first: bool = False
    labels: list[str] | None = None


class Look(Protocol):
    """Runs a model on other values of one of its inputs.

    size: examples that run at once; a model may take no other number.
    """

    @property
    def size(self) -> int: ...

    def __call__(self, name: str, examples: np.ndarray, take: Take) -> None:
        """Hands over `take(layer, values)` of each planned layer.

        Args:
          name: the tag of the input that is changed; the others keep their first example.
          examples: `[size, …]`, as the input's array is laid out.
        """


class TooLong(Exception):
    """A model takes so long to run that its fields were not found within PATIENCE."""


class Seen:
    """Which positions of one layer differ where a pixel of the input was changed.

    low, high: int `[pixels, axes]`, the first and last such position on each axis, over all draws;
    high is -1 where there is none.
    """

    def __init__(self, shape: tuple[int, ...], pixels: int) -> None:
        self.shape = shape
        self.low = np.tile(np.array(shape), (pixels, 1))
        self.high = np.full((pixels, len(shape)), -1)

    def note(self, pixel: int, changed: np.ndarray) -> None:
        """changed: bool `[…spatial, c]`."""
        for axis, side in enumerate(self.shape):
            before = changed.any(axis=tuple(range(axis)))  # the first axes, which go fast
            places = np.flatnonzero(before.reshape(side, -1).any(axis=1))
            if len(places):
                self.low[pixel, axis] = min(self.low[pixel, axis], places[0])
                self.high[pixel, axis] = max(self.high[pixel, axis], places[-1])


def fields_of_inputs(
    layers: Sequence[LayerPlan], inputs: Sequence[Input], look: Look
) -> dict[str, dict[str, tuple[Field, ...]]]:
    """`receptive_fields` of each input that has spatial axes: {input: {layer: fields}}.

    Raises:
      TooLong: they were not found within PATIENCE, all inputs together.
    """
    found = {}
    look = _Patient(look)
    for one in inputs:
        if one.array.ndim < 3:
            continue
        show = functools.partial(_show, look, one)
        example = np.moveaxis(one.array, 1, -1)[0] if one.channels_first else one.array[0]
        fields = receptive_fields(np.asarray(example), layers, show, look.size)
        if fields:
            found[one.name] = fields
    return found


class _Patient:
    """A `Look` that is asked no more once PATIENCE is over."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._until = time.monotonic() + PATIENCE

    @property
    def size(self) -> int:
        return self._look.size

    def __call__(self, name: str, examples: np.ndarray, take: Take) -> None:
        if time.monotonic() > self._until:
            raise TooLong(f"they were not found within {PATIENCE:.0f} seconds")
        self._look(name, examples, take)


def _show(look: Look, one: Input, examples: np.ndarray, take: Take) -> None:
    look(one.name, np.moveaxis(examples, -1, 1) if one.channels_first else examples, take)


def receptive_fields(
    example: np.ndarray,
    layers: Sequence[LayerPlan],
    show: Show,
    size: int,
    seed: int = 0,
) -> dict[str, tuple[Field, ...]]:
    """The fields of those layers whose spatial axes are the input's.

    Args:
      example: `[…spatial, c]`, one example of the input, of any real dtype.
      layers: as planned; their shapes are `[…spatial, c]`.
      show: runs the model on `[k, …spatial, c]`, k ≤ size.
      size: examples at most in one run.

    Returns:
      {name: a field an axis}, beyond the input's borders no larger than what was seen requires;
      without layers that see all of an axis, or see the input otherwise
      than through a window that moves with the position.
    """
    spatial = example.shape[:-1]
    alike = {layer.name: layer for layer in layers if len(layer.shape) == example.ndim}
    if not spatial or not alike or not all(spatial):
        return {}
    pixels = _pixels(spatial, alike.values())
    seen = {name: Seen(layer.shape[:-1], len(pixels)) for name, layer in alike.items()}
    rng = np.random.default_rng(seed)
    for draw in range(DRAWS):
        base = example if draw == 0 else _other(example, rng, example.shape)
        _look(base, pixels, alike, seen, show, size, rng)
    fitted = {name: _fields(one, pixels, spatial) for name, one in seen.items()}
    return {name: fields for name, fields in fitted.items() if fields is not None}


def _pixels(spatial: tuple[int, ...], layers: Iterable[LayerPlan]) -> np.ndarray:
    """int `[k, axes]`: consecutive ones at both ends and some in the middle, of every axis.

    On the second axis they come in the opposite order, so that a layer whose axes were exchanged
    does not look like one whose axes are the input's.
    """
    strides = [1]
    for layer in layers:
        pairs = zip(spatial, layer.shape, strict=False)
        strides += [-(-side // out) for side, out in pairs if out >= _FEW]
    run = min(max(strides) + 1, MAX_STRIDE)
    columns = []
    for axis, side in enumerate(spatial):
        middle = range(side // 2 - _MIDDLE // 2, side // 2 + _MIDDLE // 2)
        ends = [*range(min(run, side)), *middle, *range(max(side - run, 0), side)]
        places = np.unique(np.clip(ends, 0, side - 1))
        columns.append(places[::-1] if axis % 2 else places)
    count = max(map(len, columns))
    return np.stack([np.resize(column, count) for column in columns], axis=1)


def _look(
    base: np.ndarray,
    pixels: np.ndarray,
    layers: dict[str, LayerPlan],
    seen: dict[str, Seen],
    show: Show,
    size: int,
    rng: np.random.Generator,
) -> None:
    """One draw: every slice begins and ends with the base itself, which tells noise from change."""
    step = max(size - 2, 1)
    for first in range(0, len(pixels), step):
        wanted = pixels[first : first + step]
        examples = np.repeat(base[None], size, axis=0)
        for row, pixel in enumerate(wanted, start=1):
            examples[(row, *pixel)] = _other(base, rng, base.shape[-1:], _AMPLITUDE)

        def take(
            name: str, values: np.ndarray, first: int = first, count: int = len(wanted)
        ) -> None:
            if name in layers and values.ndim == len(seen[name].shape) + 2:
                flat = np.moveaxis(values, 1, -1) if layers[name].channels_first else values
                for row, changed in enumerate(_changed(flat, count)):
                    seen[name].note(first + row, changed)

        show(examples, take)


def _changed(values: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """bool `[…spatial, c]` of examples 1 to `count`: where it differs from the base's."""
    base, again = values[0], values[-1]
    if np.array_equal(again, base):  # as it is where there is neither noise nor NaN
        yield from (one != base for one in values[1 : count + 1])
        return
    limit = 4 * float(_difference(again, base).max(initial=0.0))
    yield from (_difference(one, base) > limit for one in values[1 : count + 1])


def _difference(values: np.ndarray, base: np.ndarray) -> np.ndarray:
    """|values - base|, float64; 0 where both are NaN or the same infinity, else infinite there."""
    wide, other = values.astype(np.float64), base.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(wide - other)
    alike = (wide == other) | (np.isnan(wide) & np.isnan(other))
    return np.where(alike, 0.0, np.where(np.isnan(gap), np.inf, gap))


def _other(
    example: np.ndarray, rng: np.random.Generator, shape: tuple[int, ...], amplitude: float = 1.0
) -> np.ndarray:
    """Other values: of integers some that the example has, of reals so many times as spread."""
    if example.dtype.kind != "f":
        return rng.choice(example.ravel(), size=shape)
    wide = example.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    spread = float(finite.std()) if finite.size else 0.0
    middle = float(finite.mean()) if finite.size else 0.0
    return rng.normal(middle, amplitude * (spread or 1.0), shape).astype(example.dtype)


def _fields(seen: Seen, pixels: np.ndarray, spatial: tuple[int, ...]) -> tuple[Field, ...] | None:
    fields = []
    for axis, side in enumerate(spatial):
        there = seen.high[:, axis] >= 0
        fitted = _fit(
            pixels[there, axis],
            seen.low[there, axis],
            seen.high[there, axis],
            seen.shape[axis],
            side,
        )
        if fitted is None:
            return None
        fields.append(fitted)
    return tuple(fields)


def _fit(
    pixels: np.ndarray, low: np.ndarray, high: np.ndarray, count: int, side: int
) -> Field | None:
    """The window that explains best which of `count` positions see which of `side` pixels."""
    if not len(pixels) or count < 2:
        return None
    sees_last = low[pixels == pixels.max()].min() <= low.min()
    if sees_last and high[pixels == pixels.min()].max() >= high.max():
        return None  # every position that sees anything sees all there is
    best: tuple[int, float, Field] | None = None
    for stride in _strides(side, count):
        field = _window(pixels, low, high, stride)
        wrong, far = _misses(pixels, low, high, field)
        if wrong > len(pixels) // 2 and far * field.stride > side / 16:
            continue
        rank = (wrong, abs(np.log(float(stride) * count / side)), field)
        if best is None or rank[:2] < best[:2]:
            best = rank
    return best[2] if best else None


def _strides(side: int, count: int) -> list[Fraction]:
    whole = [Fraction(n) for n in range(1, min(side, MAX_STRIDE) + 1)]
    parts = [Fraction(a, b) for b in (2, 3, 4, 8, 16) for a in (1, 3) if a % b]
    return sorted({*whole, *parts})


def _window(pixels: np.ndarray, low: np.ndarray, high: np.ndarray, stride: Fraction) -> Field:
    """The least window with which each pixel is seen by the positions that saw it."""
    grain = min(stride, Fraction(1))
    start = min(int(p) + 1 - int(h) * stride for p, h in zip(pixels, high, strict=True)) - grain
    end = max(int(p) - int(i) * stride for p, i in zip(pixels, low, strict=True)) + grain
    return Field(float(start), float(end - start), float(stride))


def _misses(pixels: np.ndarray, low: np.ndarray, high: np.ndarray, field: Field) -> tuple[int, int]:
    """Of how many first and last positions the window says otherwise than what was seen, and by how
    many positions at most: what upsampling sees moves in jumps, and the window that holds it not.
    """
    start, size, stride = field
    first = np.floor((pixels - start - size) / stride).astype(int) + 1
    last = np.ceil((pixels + 1 - start) / stride).astype(int) - 1
    bounds = (low.min(), high.max())  # positions of padding alone see nothing
    off = np.abs([np.clip(first, *bounds) - low, np.clip(last, *bounds) - high])
    return int(np.count_nonzero(off)), int(off.max())
