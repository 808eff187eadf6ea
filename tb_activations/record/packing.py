"""How the byte planes of float32 values are deflated, told from a sample of a record's values.

ISA-L makes codes for some 100 KB at a time. The third bytes, a bit of the exponent and seven of the
mantissa, differ from channel to channel where channels differ in strength, and codes for 4 KB at a
time take up to 8 % less of them; where channels are small, or zeros many, zlib's level 1 takes up
to 3 % less. The other bytes of a value gain from neither, nor do those of float16.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tb_activations.record import deflate

PART = 4096  # bytes that are worth codes of their own
_THIRD = 2
_SAMPLES = 4  # parts, from all over the record
_GAIN = 0.985  # what is not worth more than the trouble
_DENSE = 0.8  # bytes a byte; what takes less has zeros, and is mostly as short by ISA-L
_MANY = 1 << 18  # values of a record, beside which the sample costs little


@dataclass(frozen=True)
class Packing:
    """piece: bytes of the third plane that have codes of their own, 0 for all of them. by_zlib:
    whether zlib deflates them."""

    piece: int = 0
    by_zlib: bool = False

    def parts(self, planes: int, size: int) -> tuple[list[int], list[int]]:
        """(where parts end of a page of `planes` byte planes of `size` and a byte before them,
        but for the last; numbers of those that zlib deflates)."""
        ends = [1 + size * (i + 1) for i in range(planes - 1)]
        if self.piece:
            start = 1 + _THIRD * size
            ends += range(start + self.piece, start + size, self.piece)
        return sorted(ends), [_THIRD] if self.by_zlib else []


PLAIN = Packing()


def packing_for(planes: np.ndarray, compression: int) -> Packing:
    """What suits stored values `[planes, plane_size]`."""
    size = planes.shape[1]
    if deflate.isal_zlib is None or compression != 1 or planes.dtype != np.float32:
        return PLAIN
    piece = size * max(1, round(PART / size)) if size <= 2 * PART else PART
    flat = np.ascontiguousarray(planes).reshape(-1).view(np.uint32)
    if flat.size < _SAMPLES * piece:
        return PLAIN
    pieces = flat.size // piece
    samples = [
        (flat[at : at + piece] >> 8 * _THIRD).astype(np.uint8)
        for at in (i * pieces // _SAMPLES * piece for i in range(_SAMPLES))
    ]
    together = [np.concatenate(samples)]
    whole, apart = deflate.size_of(together), deflate.size_of(samples)
    if apart < _GAIN * whole:
        return Packing(piece=piece)
    likely = whole > _DENSE * together[0].size or flat.size >= _MANY
    return Packing(by_zlib=likely and deflate.size_of(together, True) < _GAIN * whole)
