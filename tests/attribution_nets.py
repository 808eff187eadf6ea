"""Small networks that attributions are tested on, and pictures whose class stands at one place."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers as L
from keras import ops

REFERENCES = Path(__file__).parent / "references" / "flat.npz"


def real(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def flat(activation: str = "softmax"):
    """Two convolutions and two dense layers, for images `[16, 16, 3]`."""
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            L.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
            L.MaxPooling2D(name="pool"),
            L.Conv2D(16, 3, padding="same", activation="relu", name="conv2"),
            L.Flatten(name="flatten"),
            L.Dense(32, activation="relu", name="dense1"),
            L.Dense(10, activation=activation, name="out"),
        ]
    )


def residual():
    """Normalised convolutions and an addition, for images `[16, 16, 3]`."""
    i = keras.Input((16, 16, 3))
    x = L.Conv2D(8, 3, padding="same", use_bias=False, name="conv1")(i)
    x = L.Activation("relu")(L.BatchNormalization(name="bn1")(x))
    y = L.BatchNormalization(name="bn2")(L.Conv2D(8, 3, padding="same", name="conv2")(x))
    x = L.GlobalAveragePooling2D()(L.Activation("relu")(L.Add()([x, y])))
    return keras.Model(i, L.Dense(10, activation="softmax", name="out")(x))


def pooled(shape=(9, 7, 3), channels: int = 6, classes: int = 4, use_bias: bool = True):
    """A convolution, the mean over positions and a softmax: its CAM has a closed form."""
    return keras.Sequential(
        [
            keras.Input(shape),
            L.Conv2D(channels, 3, activation="relu", name="conv"),
            L.GlobalAveragePooling2D(name="mean"),
            L.Dense(
                classes,
                activation="softmax",
                use_bias=use_bias,
                bias_initializer="normal",
                name="out",
            ),
        ]
    )


def linear(shape=(4, 5, 3), classes: int = 3):
    """A dense softmax over all values."""
    return keras.Sequential(
        [
            keras.Input(shape),
            L.Flatten(),
            L.Dense(classes, activation="softmax", bias_initializer="normal", name="out"),
        ]
    )


def smooth(dtype: str = "float32", shape=(6, 5, 2), classes: int = 3):
    """Without a kink: tanh and softplus."""
    i = keras.Input(shape, dtype=dtype)
    x = L.Conv2D(5, 3, activation="tanh", dtype=dtype, name="conv")(i)
    x = L.Flatten(dtype=dtype)(x)
    x = L.Dense(6, activation="softplus", dtype=dtype, name="dense")(x)
    return keras.Model(i, L.Dense(classes, activation="softmax", dtype=dtype, name="out")(x))


def logits_of(model, x, behind: str | None = None) -> np.ndarray:
    """What `out` is without its activation, computed apart from what is tested.

    behind: the layer whose output `x` is, None for the inputs.
    """
    last = model.get_layer("out")
    first = model.inputs[0] if behind is None else model.get_layer(behind).output
    before = keras.Model(first, last.input)
    features = before(ops.convert_to_tensor(x), training=False)
    features = np.asarray(ops.convert_to_numpy(features), np.float64)
    weights = [np.asarray(ops.convert_to_numpy(w), np.float64) for w in last.weights]
    return features @ weights[0] + (weights[1] if len(weights) > 1 else 0)


HEIGHT, WIDTH = 12, 20  # not square, so that an exchange of sides shows
PATTERNS = np.array(
    [
        [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]],  # a ring
        [[1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]],  # a cross
        [[1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]],  # bars
    ],
    "float32",
)


def hidden_patterns(count: int, seed: int = 0):
    """(pictures `[n, 12, 20, 1]`, classes, masks of the quadrant that holds the pattern)."""
    random = np.random.default_rng(seed)
    x = random.uniform(0, 0.25, (count, HEIGHT, WIDTH, 1)).astype("float32")
    y = random.integers(0, len(PATTERNS), count)
    masks = np.zeros((count, HEIGHT, WIDTH), bool)
    for i in range(count):
        top, left = random.integers(0, 2) * HEIGHT // 2, random.integers(0, 2) * WIDTH // 2
        masks[i, top : top + HEIGHT // 2, left : left + WIDTH // 2] = True
        row, column = top + random.integers(0, 3), left + random.integers(0, 7)
        x[i, row : row + 4, column : column + 4, 0] += PATTERNS[y[i]]
    return x, y, masks


def finder():
    """A network that learns which pattern is in the picture, wherever it is."""
    return keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, 1)),
            L.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
            L.Conv2D(16, 3, padding="same", activation="relu", name="conv2"),
            L.MaxPooling2D(name="pool"),
            L.Conv2D(16, 3, padding="same", activation="relu", name="conv3"),
            L.GlobalMaxPooling2D(name="most"),
            L.Dense(len(PATTERNS), activation="softmax", name="out"),
        ]
    )
