"""A signed map laid over the image that it explains."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tb_activations.export.grid import grid


def over(values: np.ndarray, image: Any, weight: float) -> np.ndarray:
    """uint8 `[h, w, 3]`: the map, enlarged bilinearly, in blue-white-red over the image.

    Args:
      values: `[rows, columns]`, signed.
      image: `[h, w, c]`, of 0 to 255 as integers, else of 0 to 1, or of −1 to 1 where it has
        negative values.
      weight: of the image, 0 to 1.
    """
    shown = as_bytes(np.asarray(image))
    small = Image.fromarray(np.asarray(values, np.float32))
    large = np.asarray(small.resize(shown.shape[1::-1], Image.Resampling.BILINEAR))
    colours = np.asarray(grid(large[None, ..., None], colormap="RdBu", gap=0), np.float64)
    return np.rint(weight * shown + (1 - weight) * colours).astype(np.uint8)


def as_bytes(image: np.ndarray) -> np.ndarray:
    """uint8 `[h, w, 3]` of an image in any of the usual ranges."""
    image = np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image[..., :3]
    if image.dtype.kind in "iu":
        return np.clip(image, 0, 255).astype(np.uint8)
    values = np.nan_to_num(image.astype(np.float64))
    if values.min(initial=0) < 0:
        values = (values + 1) / 2
    scale = 1 if values.max(initial=0) > 1.5 else 255
    return np.clip(np.rint(scale * values), 0, 255).astype(np.uint8)


def save_picture(path: str | os.PathLike[str], picture: Any) -> None:
    """Writes uint8 `[h, w, 3]` as the ending of `path` says; makes the folder if it is missing."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(picture)).save(target)
