"""A list of images, each an example of a size of its own, as detection models take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Images:
    """`[c, h, w]` each. It is cut as an array is."""

    images: list[Any]
    dtype = np.dtype(object)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.images),)

    def __getitem__(self, span: slice) -> Images:
        return Images(self.images[span])


def are_images(x: Any) -> bool:
    """Whether it is such a list: of tensors of three axes, the first one, three or four."""
    if not isinstance(x, list | tuple) or not x:
        return False
    return all(len(getattr(one, "shape", ())) == 3 and one.shape[0] in (1, 3, 4) for one in x)
