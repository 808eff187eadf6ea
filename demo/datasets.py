"""Real images to train on, and the few held-out ones whose activations are logged.

A `Dataset` holds images as float32 `[n, height, width, channels]` from 0 to 1, and labels as
int `[n]`.
The held-out images begin with one of each class, in the order of the classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
)  # fmt: skip
DIGITS = tuple("0123456789")
SIDE = 28


@dataclass(frozen=True)
class Dataset:
    """Training and held-out images with their labels, and the name of each class."""

    name: str
    images: np.ndarray
    labels: np.ndarray
    held_out_images: np.ndarray
    held_out_labels: np.ndarray
    class_names: tuple[str, ...]

    def first(self, count: int | None) -> Dataset:
        """The same with the first `count` training images alone; None keeps all."""
        return replace(self, images=self.images[:count], labels=self.labels[:count])


def load(name: str) -> Dataset:
    """The dataset of this name; `mnist` and `cifar10` are downloaded by Keras on first use."""
    if name not in LOADERS:
        raise ValueError(f"no dataset {name!r}; there are {', '.join(map(repr, LOADERS))}")
    try:
        return LOADERS[name]()
    except ModuleNotFoundError as e:
        if e.name != "keras":
            raise
        raise SystemExit(
            f"{name} is downloaded by Keras, which is not installed here; 'digits' is not"
        ) from None


def _digits() -> Dataset:
    """scikit-learn's 1797 handwritten digits, enlarged from 8×8 to 28×28. No download."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.stack([_enlarge(image) for image in bunch.images])[..., None]
    # The last ones were written by other people than the first.
    return _dataset("digits", images[:1500], bunch.target[:1500], images[1500:],
                    bunch.target[1500:], DIGITS)  # fmt: skip


def _enlarge(image: np.ndarray) -> np.ndarray:
    """An 8×8 image of values from 0 to 16 as 28×28 from 0 to 1."""
    scaled = Image.fromarray((image / 16).astype(np.float32))
    return np.clip(np.asarray(scaled.resize((SIDE, SIDE), Image.Resampling.BICUBIC)), 0, 1)


def _mnist() -> Dataset:
    from keras.datasets import mnist

    (x, y), (test_x, test_y) = mnist.load_data()
    return _dataset("mnist", x[..., None] / 255, y, test_x[..., None] / 255, test_y, DIGITS)


def _cifar10() -> Dataset:
    from keras.datasets import cifar10

    (x, y), (test_x, test_y) = cifar10.load_data()
    return _dataset("cifar10", x / 255, y[:, 0], test_x / 255, test_y[:, 0], CIFAR10_CLASSES)


def _dataset(
    name: str,
    images: np.ndarray,
    labels: np.ndarray,
    held_out_images: np.ndarray,
    held_out_labels: np.ndarray,
    class_names: tuple[str, ...],
) -> Dataset:
    order = one_of_each_first(held_out_labels)
    return Dataset(
        name,
        images.astype(np.float32),
        labels,
        held_out_images[order].astype(np.float32),
        held_out_labels[order],
        class_names,
    )


def one_of_each_first(labels: np.ndarray) -> np.ndarray:
    """Positions that put the first of each class in front, in class order, then all others."""
    first = np.unique(labels, return_index=True)[1]
    others = np.setdiff1d(np.arange(len(labels)), first)
    return np.concatenate([first, others])


LOADERS = {"digits": _digits, "mnist": _mnist, "cifar10": _cifar10}
