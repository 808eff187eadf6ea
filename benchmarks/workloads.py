"""The networks and images that the benchmarks log: small, real and the same for everyone.

Images are float32 `[n, 64, 64, 3]` from 0 to 1, patches of photographs that ship with
scikit-image; the label is the photograph.
"""

from __future__ import annotations

from typing import Any

import numpy as np

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
PATCH = 64


def patches(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(images `[count, 64, 64, 3]`, labels `[count]`)."""
    from skimage import data

    random = np.random.default_rng(seed)
    photographs = [getattr(data, name)() for name in PHOTOGRAPHS]
    labels = random.integers(0, len(photographs), count)
    images = np.empty((count, PATCH, PATCH, 3), np.float32)
    for i, label in enumerate(labels):
        height, width, _ = photographs[label].shape
        top, left = random.integers(0, height - PATCH), random.integers(0, width - PATCH)
        images[i] = photographs[label][top : top + PATCH, left : left + PATCH] / 255
    return images, labels


def residual_network(activation: str = "relu", widths: tuple[int, ...] = (32, 64, 128, 256)) -> Any:
    """(model, names of five layers): a stem and four stages of two residual blocks."""
    import keras
    from keras import layers

    def block(x: Any, width: int, stride: int, name: str) -> Any:
        y = layers.Conv2D(width, 3, stride, "same", use_bias=False)(x)
        y = layers.Activation(activation)(layers.BatchNormalization()(y))
        y = layers.Conv2D(width, 3, 1, "same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        if stride != 1 or x.shape[-1] != width:
            x = layers.Conv2D(width, 1, stride, use_bias=False)(x)
        return layers.Activation(activation, name=name)(layers.Add()([x, y]))

    inputs = keras.Input((PATCH, PATCH, 3))
    x = layers.Conv2D(widths[0], 3, padding="same", use_bias=False)(inputs)
    x = layers.Activation(activation, name="stem")(layers.BatchNormalization()(x))
    for stage, width in enumerate(widths):
        x = block(x, width, 1 if stage == 0 else 2, f"stage{stage + 1}a")
        x = block(x, width, 1, f"stage{stage + 1}")
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(64, activation=activation, name="features")(x)
    outputs = layers.Dense(len(PHOTOGRAPHS), activation="softmax")(x)
    names = ["stem", *(f"stage{i + 1}" for i in range(len(widths)))]
    return keras.Model(inputs, outputs), names


def trained(activation: str = "relu", steps: int = 30, **options: Any) -> tuple[Any, list[str]]:
    """The network after some steps on the patches: sparse as trained layers are."""
    import keras

    keras.utils.set_random_seed(0)
    model, names = residual_network(activation, **options)
    model.compile("adam", "sparse_categorical_crossentropy")
    images, labels = patches(32 * steps, seed=1)
    model.fit(images, labels, batch_size=32, epochs=1, verbose=0)
    return model, names
