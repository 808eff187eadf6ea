"""Values ↔ what is stored of them: a storage dtype and a power of two.

`true value = stored · 2**exponent`, stored being float16 or float32. With M the largest finite
magnitude among the values kept and e = 15 − floor(log2 M) (127 for float32), stored =
float16(float32(value · 2**e)) and exponent = −e; e is one lower where M · 2**e would round to
infinity, and 0 where M is 0 or absent. float32 keeps the bits of sources no wider than itself.

The precision "auto" is float16, but where that would hide what varies: a channel whose values lie
within 64 of float16's steps makes the record float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tb_activations.record.statistics import working_dtype

STORED = ("float16", "float32")
PRECISIONS = ("auto", *STORED)
STEPS = 64  # of float16 that a channel must span, or "auto" stores float32
NAN: dict[str, Any] = {  # a NaN carries no payload
    "float16": np.array(0x7E00, np.uint16).view(np.float16)[()],
    "float32": np.array(0x7FC00000, np.uint32).view(np.float32)[()],
}

# Largest e that leaves 2**-e, the scale that readers multiply by, above zero in float64.
MAX_SHIFT = 1074
_STRONG = 2.0**-80  # times so much subnormals are nothing to float16
_PART = 1 << 15  # values
TOP = {"float16": 15, "float32": 127}


def check_dtype(dtype: np.dtype) -> None:
    """Refuses what is not a real number.

    Raises:
      TypeError: the dtype is complex, a string, an object or a date.
    """
    extended = dtype.kind == "V" and dtype.name.startswith(("bfloat16", "float8"))
    if not (dtype.kind in "fiub" or extended) or dtype.itemsize > 8:
        raise refused_dtype(dtype.name)


def refused_dtype(name: str) -> TypeError:
    """The error of a dtype that cannot be logged, which names those that can."""
    return TypeError(
        f"activations of dtype {name} cannot be logged; accepted are float8, float16, "
        "bfloat16, float32, float64, integers and bool"
    )


def settled(precision: str, source: str) -> str:
    """The precision, "float16" for "auto" where that holds all that the source can tell apart."""
    exact = source in ("float16", "bfloat16", "bool", "int8", "uint8") or "float8" in source
    return "float16" if precision == "auto" and exact else precision


def hides(low: np.ndarray, high: np.ndarray, exponent: int) -> bool:
    """Whether float16 values of this exponent would hide what varies in a channel.

    A channel varies where low < high; it is hidden where high − low is less than 64 of float16's
    steps at its largest magnitude.

    Args:
      low, high: float32 `[channels]`, the extremes over the whole batch; NaN where there are none.
    """
    low, high = np.asarray(low, np.float32), np.asarray(high, np.float32)
    largest = np.maximum(np.abs(low), np.abs(high))
    varies = (low < high) & np.isfinite(largest)
    binade = np.frexp(np.where(varies, largest, np.float32(1)))[1].astype(np.int64) - 1
    # 64 steps of 2**-10 of the binade; below 2**-14 float16's steps shrink no more.
    steps = np.clip(np.maximum(binade - exponent, -14) - 4 + exponent, -1000, 1000)
    with np.errstate(invalid="ignore"):
        span = high.astype(np.float64) - low.astype(np.float64)
    return bool((varies & (span < np.ldexp(1.0, steps))).any())


def store(values: np.ndarray, precision: str) -> tuple[np.ndarray, int]:
    """`values` in the storage dtype, and the exponent to multiply them by.

    Args:
      values: any shape, any dtype that `check_dtype` admits.
      precision: "float16" or "float32".

    Returns:
      (stored, exponent): stored is float16 or float32 of the same shape;
      true value = stored · 2**exponent.
    """
    working = values.astype(working_dtype(values.dtype), copy=False)
    if working.dtype == np.float32:
        if precision == "float32":
            return working, 0
        exponent = plain_exponent(largest_of(working))
        if exponent is not None:
            return _store_plain(working, exponent), exponent
    flushed = _flush(working, np.finfo(working.dtype).tiny)
    shift = _shift(flushed, precision)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scaled = _scale(flushed, shift)
        if precision == "float32":
            stored = _flush(scaled, np.finfo(np.float32).tiny).astype(np.float32)
        else:
            stored = scaled.astype(np.float32, copy=False).astype(np.float16)
    stored[np.isnan(stored)] = NAN[precision]
    return stored, -shift


def largest_of(values: np.ndarray, unsigned: bool = False) -> np.floating[Any]:
    """The largest magnitude of float32 values, NaN where there is one, 0 where there are none.

    Args:
      unsigned: whether none is known to be below 0, which saves half of the work.
    """
    high = values.max(initial=0)
    return high if unsigned else max(high, -values.min(initial=0))


def plain_exponent(largest: np.floating[Any]) -> int | None:
    """The exponent of float32 values in float16, by their largest magnitude.

    None where they are not so strong that their subnormals vanish in float16, or not finite.
    """
    if not _STRONG <= largest < np.inf:  # NaN compares as False
        return None
    return -_shift_of(largest, "float16")


def _store_plain(values: np.ndarray, exponent: int) -> np.ndarray:
    """float32 of a `plain_exponent` in float16, in parts that stay cached.

    As they lie in memory: channels that stand first there are not turned, and not turned back.
    """
    factor = np.ldexp(np.float32(1), -exponent)
    axes = sorted(range(values.ndim), key=lambda i: -values.strides[i])
    laid = np.ascontiguousarray(values.transpose(axes))
    stored = np.empty(laid.shape, np.float16)
    flat, out, scaled = laid.reshape(-1), stored.reshape(-1), np.empty(_PART, np.float32)
    for start in range(0, flat.size, _PART):
        part = flat[start : start + _PART]
        out[start : start + _PART] = np.multiply(part, factor, out=scaled[: part.size])
    return stored.transpose(np.argsort(axes))


def restore(stored: np.ndarray, exponent: int) -> np.ndarray:
    """The true values, float64: stored · 2**exponent."""
    with np.errstate(over="ignore"):
        return np.ldexp(stored.astype(np.float64), exponent)


def _flush(values: np.ndarray, tiny: np.floating[Any]) -> np.ndarray:
    """Magnitudes below `tiny`, the smallest normal number, become 0 of their sign."""
    return np.where(np.abs(values) < tiny, np.copysign(values.dtype.type(0), values), values)


def _shift(values: np.ndarray, precision: str) -> int:
    """e of this module's docstring; `values` are in the working dtype, without subnormals."""
    finite = np.isfinite(values)
    return _shift_of(np.abs(values).max(initial=0, where=finite), precision)


def _shift_of(largest: np.floating[Any], precision: str) -> int:
    """The same, of the largest finite magnitude."""
    if largest == 0:
        return 0
    shift = min(TOP[precision] - (int(np.frexp(largest)[1]) - 1), MAX_SHIFT)
    return shift - int(_rounds_to_infinity(largest, shift, precision))


def _rounds_to_infinity(largest: np.floating[Any], shift: int, precision: str) -> bool:
    with np.errstate(over="ignore"):
        top = np.asarray(_scale(np.asarray(largest), shift)).astype(np.float32)
        return bool(top >= 65520) if precision == "float16" else bool(np.isinf(top))


def _scale(values: np.ndarray, shift: int) -> np.ndarray:
    """values · 2**shift, in two halves: the whole power may lie beyond the dtype."""
    half = shift // 2
    one = values.dtype.type(1)
    return values * np.ldexp(one, half) * np.ldexp(one, shift - half)
