"""What an explainer returns and saves: a picture, uint8 `[height, width, 3]`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tb_activations.export.grid import GAP_COLOUR, grid
from tb_activations.export.overlay import over, save_picture
from tb_activations.tf_explain.said import say
from tb_activations.training.attribution.attribute import attribute


class Explainer:
    """An explainer of one method."""

    method = ""

    def save(self, grid: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
        """Writes a picture that `explain` returned; the folder is made if it is missing."""
        save_picture(Path(output_dir) / output_name, grid)

    def maps(self, validation_data: Any, model: Any, class_index: int, **options: Any) -> Any:
        """`[n, h, w, 1]`: the signed map of each example, colours added up."""
        say(self.method)
        found = attribute(model, images_of(validation_data), class_index, method=self.method,
                          **options)  # fmt: skip
        return np.asarray(found).sum(axis=-1, keepdims=True)


def images_of(validation_data: Any) -> Any:
    """x of `(x, y)` or `(x, None)`."""
    return validation_data[0]


def drawn(maps: np.ndarray) -> np.ndarray:
    """A tile for each example, white at zero, red above and blue below."""
    return grid(np.moveaxis(maps, 0, -1)[..., 0, :][None], colormap="RdBu")


def drawn_over(maps: np.ndarray, images: Any, weight: float) -> np.ndarray:
    """As `drawn`, each enlarged to its image and laid over it."""
    return beside(
        [over(one[..., 0], image, weight) for one, image in zip(maps, images, strict=True)]
    )


def beside(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures of one size in rows, about as wide as high."""
    columns = int(np.ceil(np.sqrt(len(pictures))))
    return below(
        [np.concatenate(pictures[i : i + columns], axis=1)
         for i in range(0, len(pictures), columns)]
    )  # fmt: skip


def below(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures one below the other, filled up on the right."""
    width = max(one.shape[1] for one in pictures)
    rows = []
    for one in pictures:
        row = np.full((one.shape[0], width, 3), GAP_COLOUR, np.uint8)
        row[:, : one.shape[1]] = one
        rows.append(row)
    return np.concatenate(rows)
