"""What the walk expects of attention that lies over the input: 4 × 5 patches behind one token."""

from __future__ import annotations

import numpy as np

from browser.walk_model import SKIPPED, Walk, record

ROWS, COLUMNS, SIDE = 4, 5, 4  # patches, of so many pixels each way
SIDES = (ROWS * SIDE, COLUMNS * SIDE)
OPAQUE = 0.8
WEIGHTS = (0.299, 0.587, 0.114)


def key_at(x: int, y: int) -> int:
    """The position whose patch has a pixel of the input."""
    return SKIPPED + (y // SIDE) * COLUMNS + x // SIDE


def query_of(walk: Walk) -> int:
    """The position that looks: the row of the marked pixel, else the first patch."""
    x, y = walk.pixel or (-1, -1)
    positions = SKIPPED + ROWS * COLUMNS
    return y if 0 <= x < positions and 0 <= y < positions else SKIPPED


def picture_of(walk: Walk) -> np.ndarray:
    """The input in grey, `[h, w]`, minimum to maximum of its three channels."""
    picture = record(walk.run, "input", walk.record.step).stored[walk.shown_example]
    return 255 * ((picture - picture.min()) / np.ptp(picture) @ WEIGHTS)


def check_look(
    walk: Walk, pixels: np.ndarray, plane: np.ndarray, span: tuple[float, float], log: float | None
) -> None:
    """The query's row over the picture, as opaque as a score is large; of a difference its zero."""
    lo, hi = span
    under = picture_of(walk)
    row = plane[query_of(walk), SKIPPED:].reshape(ROWS, COLUMNS)
    row = row.repeat(SIDE, axis=0).repeat(SIDE, axis=1)
    if walk.difference:
        none = np.abs(row) < 0.002 * hi
        assert np.abs(pixels - under[..., None])[none].max(initial=0) <= 4
        strong = np.abs(row) > 0.3 * hi
        balance = pixels[..., 2] - pixels[..., 0]
        assert (np.sign(balance[strong]) == np.sign(row[strong])).all()
        return
    share = (row - lo) / (hi - lo) if log is None else np.log(row / log) / np.log(hi / log)
    share = np.clip(share, 0, 1)
    wanted = under + (255 * share - under) * OPAQUE * share
    assert np.abs(pixels - wanted[..., None]).max() <= 2.6
