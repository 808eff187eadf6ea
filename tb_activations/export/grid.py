"""Activations → a still picture: every channel a tile, NaN and infinities marked.

A picture is uint8 `[height, width, 3]`. Tiles stand in rows, each `tile_shape` of what one channel
of one example shows: a plane as it is, a sequence as a strip, a volume as its slices side by side,
a dense layer as one cell a unit. Colours: viridis for values of one sign, blue-white-red about 0
for both; magenta NaN, orange +∞, cyan −∞, as in the dashboard's legend.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tb_activations.eventfile.local import check_local
from tb_activations.record.options import check_data_format, check_rank
from tb_activations.record.storage import check_dtype

NAN_COLOUR = (255, 0, 255)
POSITIVE_COLOUR = (255, 145, 0)
NEGATIVE_COLOUR = (0, 229, 255)
GAP_COLOUR = (40, 40, 40)
SCALES = ("channel", "all")
_MAX_PIXELS = 1 << 28
_CAPTION_HEIGHT = 12
_DENSE_CELL = 8  # pixels of a unit's square before `zoom`

# Viridis (Smith and van der Walt, 2015) at nine even places, and a blue-white-red about zero.
_VIRIDIS = [
    (68, 1, 84),
    (71, 44, 122),
    (59, 81, 139),
    (44, 113, 142),
    (33, 144, 141),
    (39, 173, 129),
    (92, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
]
_DIVERGING = [(5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31)]
_GREY = [(0, 0, 0), (255, 255, 255)]
COLORMAPS = {"viridis": _VIRIDIS, "RdBu": _DIVERGING, "grey": _GREY}


class Picture(np.ndarray):
    """uint8 `[height, width, 3]`, an array like any other, that notebooks show as a picture.

    What is computed from it is a plain array; a part of it is a picture too.
    """

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain if plain.ndim else plain[()]

    def _repr_png_(self) -> bytes | None:
        """What IPython asks for; None for a part that is no picture."""
        if self.dtype != np.uint8 or self.ndim != 3 or self.shape[2] != 3 or not self.size:
            return None
        out = io.BytesIO()
        Image.fromarray(np.asarray(self)).save(out, "PNG")
        return out.getvalue()


def grid(
    array: Any,
    *,
    example: int | None = 0,
    scale: str = "channel",
    columns: int | None = None,
    zoom: int = 1,
    gap: int = 1,
    colormap: str | None = None,
    captions: bool = False,
    data_format: str = "channels_last",
) -> Picture:
    """A picture of every channel of a layer's activations; a notebook shows it.

    Args:
      array: `[n, c]`, `[n, l, c]`, `[n, h, w, c]` or `[n, d, h, w, c]` (`[n, c, …]` for
        channels_first), any real dtype; `[c]` is a dense layer of one example. NumPy's, or of any
        framework, on any device.
      example: which example; None for all, one below the other.
      scale: "channel" stretches each channel over its own finite values, "all" all together.
      columns: tiles in a row; None for a picture about as wide as high.
      zoom: pixels a value takes on each side.
      gap: pixels between tiles.
      colormap: "viridis", "RdBu" (about 0) or "grey"; None for viridis where no value is
        negative, else RdBu.
      captions: whether each tile has its channel's number above it.
      data_format: "channels_last" or "channels_first".

    Returns:
      uint8 `[height, width, 3]`, an `np.ndarray`.

    Raises:
      TypeError: complex numbers or strings; a dict of arrays, as `capture` returns.
      ValueError: a wrong rank, option or example, or a picture of more than 268 million pixels.
    """
    values = _array(array)
    chosen = _chosen(values, example, data_format)
    _check(scale, zoom, gap, colormap)
    planes = _flat(chosen)
    # A unit of a dense layer has no range of its own.
    together = scale == "all" or chosen.ndim == 2
    colours = _coloured(planes, together, colormap)
    labels = _labels(values.shape, planes, data_format) if captions else None
    return _laid_out(colours, zoom, columns, gap, labels).view(Picture)


def save_grid(path: str | os.PathLike[str], array: Any, **options: Any) -> None:
    """Writes `grid(array, …)` as a picture; the ending of `path` says which kind (`.png`).

    The folder is made if it is missing.

    Raises:
      ValueError: as `grid`, an ending of no kind that Pillow writes, or a path elsewhere (`s3://…`).
      OSError: the file cannot be written.
    """
    check_local(path, "path")
    target = Path(path)
    _check_ending(target)
    picture = Image.fromarray(np.asarray(grid(array, **options)))
    target.parent.mkdir(parents=True, exist_ok=True)
    picture.save(target)


def _check_ending(path: Path) -> None:
    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind not in Image.SAVE:
        raise ValueError(
            f"path is {str(path)!r}; it must end in .png, .jpg, .webp, .gif, .bmp, .tif or another "
            "ending of a kind that Pillow writes"
        )


def _chosen(values: np.ndarray, example: int | None, data_format: str) -> np.ndarray:
    """`[examples, c, *spatial]` of the examples asked for, as floats."""
    check_data_format(data_format)
    check_dtype(values.dtype)
    values = values[None] if values.ndim == 1 else values
    check_rank(values.ndim)
    chosen = values if example is None else values[_position(example, len(values))][None]
    if data_format == "channels_last":
        chosen = np.moveaxis(chosen, -1, 1)
    wide = np.float64 if chosen.dtype.itemsize > 4 or chosen.dtype.kind in "iu" else np.float32
    return chosen.astype(wide)


def _array(array: Any) -> np.ndarray:
    """NumPy's array of an array of any framework."""
    if isinstance(array, Mapping):
        names = [repr(name) for name in array]
        shown = ", ".join(names[:12]) + (" and more" if len(names) > 12 else "")
        raise TypeError(
            f"array is a dict of {shown or 'nothing'}; a grid is of one layer: pass one of its "
            f"arrays, as in grid(values[{names[0] if names else '…'}])"
        )
    if hasattr(array, "detach"):  # a torch.Tensor, of which NumPy takes only some as they are
        array = array.detach().cpu()
        if str(array.dtype).startswith(("torch.bfloat16", "torch.float8")):
            array = array.float()
    return np.asarray(array)


def _position(example: int, count: int) -> int:
    if not isinstance(example, (int, np.integer)) or not -count <= example < count:
        raise ValueError(f"example is {example!r}; the array holds {count}")
    return example


def _flat(values: np.ndarray) -> np.ndarray:
    """`[n, c, *spatial]` → `[n · c, h, w]`."""
    n, c, *spatial = values.shape
    if not spatial:
        return np.repeat(np.repeat(values.reshape(n * c, 1, 1), _DENSE_CELL, 1), _DENSE_CELL, 2)
    if len(spatial) == 1:
        return values.reshape(n * c, 1, *spatial)
    if len(spatial) == 2:
        return values.reshape(n * c, *spatial)
    depth, height, width = spatial
    slices = values.reshape(n * c, depth, height, width)
    return np.moveaxis(slices, 1, 2).reshape(n * c, height, depth * width)


def _check(scale: str, zoom: int, gap: int, colormap: str | None) -> None:
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}; it must be 'channel' or 'all'")
    for name, value, least in (("zoom", zoom, 1), ("gap", gap, 0)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} is {value!r}; it must be an integer of at least {least}")
    if colormap is not None and colormap not in COLORMAPS:
        raise ValueError(f"colormap is {colormap!r}; it must be one of {sorted(COLORMAPS)}")


def _coloured(planes: np.ndarray, together: bool, colormap: str | None) -> np.ndarray:
    """uint8 `[tiles, h, w, 3]`."""
    finite = np.isfinite(planes)
    low, high = _limits(planes, finite, together)
    name = colormap or ("RdBu" if (low < 0).any() else "viridis")
    if name == "RdBu":
        high = np.maximum(np.abs(low), np.abs(high))
        low = -high
    table = _table(COLORMAPS[name])
    colours = table[_places(planes, finite, low, high, len(table))]
    colours[np.isnan(planes)] = NAN_COLOUR
    colours[planes == np.inf] = POSITIVE_COLOUR
    colours[planes == -np.inf] = NEGATIVE_COLOUR
    return colours


def _limits(
    planes: np.ndarray, finite: np.ndarray, together: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest finite value, `[tiles, 1, 1]` or `[1, 1, 1]`; 0 where there is none."""
    axes = None if together else (1, 2)
    low = np.min(np.where(finite, planes, np.inf), axis=axes, keepdims=True, initial=np.inf)
    high = np.max(np.where(finite, planes, -np.inf), axis=axes, keepdims=True, initial=-np.inf)
    none = low > high
    return np.where(none, 0, low).astype(np.float64), np.where(none, 0, high).astype(np.float64)


def _places(
    planes: np.ndarray, finite: np.ndarray, low: np.ndarray, high: np.ndarray, count: int
) -> np.ndarray:
    """Places in a colour table of `count`; halves first, so that no range overflows."""
    half = np.where(high > low, high / 2 - low / 2, 1.0)
    share = np.where(finite, planes, 0) / 2 - low / 2
    return np.clip(np.rint(share / half * (count - 1)), 0, count - 1).astype(np.intp)


def _table(stops: list[tuple[int, int, int]], count: int = 256) -> np.ndarray:
    at = np.linspace(0, len(stops) - 1, count)
    columns = [np.interp(at, range(len(stops)), column) for column in zip(*stops, strict=True)]
    return np.rint(np.stack(columns, axis=1)).astype(np.uint8)


def _labels(shape: tuple[int, ...], planes: np.ndarray, data_format: str) -> list[str]:
    """Each tile's channel."""
    channels = shape[-1] if data_format == "channels_last" or len(shape) == 1 else shape[1]
    return [str(i % channels) for i in range(len(planes))]


def _laid_out(
    tiles: np.ndarray, zoom: int, columns: int | None, gap: int, labels: list[str] | None
) -> np.ndarray:
    """Tiles `[count, h, w, 3]` in rows, enlarged, each with its label above it."""
    if not tiles.size:
        raise ValueError("there is nothing to draw: no channel, or planes of no values")
    height, width = tiles.shape[1] * zoom, tiles.shape[2] * zoom
    caption = _CAPTION_HEIGHT if labels else 0
    across = _columns(len(tiles), columns, height + caption + gap, width + gap)
    down = math.ceil(len(tiles) / across)
    shape = (down * (height + caption + gap) + gap, across * (width + gap) + gap, 3)
    if shape[0] * shape[1] > _MAX_PIXELS:
        raise ValueError(
            f"a picture of {shape[1]:,} × {shape[0]:,} pixels; at most {_MAX_PIXELS:,} in all: "
            "lower zoom, or pass fewer examples or channels"
        )
    picture = np.empty(shape, np.uint8)
    picture[:] = GAP_COLOUR
    corners = []
    for i, tile in enumerate(tiles):
        top = (i // across) * (height + caption + gap) + gap + caption
        left = (i % across) * (width + gap) + gap
        enlarged = np.repeat(np.repeat(tile, zoom, 0), zoom, 1)
        picture[top : top + height, left : left + width] = enlarged
        corners.append((left, top - caption))
    return _captioned(picture, corners, labels) if labels else picture


def _columns(count: int, asked: int | None, height: int, width: int) -> int:
    if asked is not None:
        if not isinstance(asked, (int, np.integer)) or asked < 1:
            raise ValueError(f"columns is {asked!r}; it must be an integer of at least 1")
        return min(asked, count)
    return max(1, min(count, round(math.sqrt(count * height / width))))


def _captioned(
    picture: np.ndarray, corners: list[tuple[int, int]], labels: list[str]
) -> np.ndarray:
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for corner, label in zip(corners, labels, strict=True):
        draw.text(corner, label, fill=(220, 220, 220))
    return np.asarray(image)
