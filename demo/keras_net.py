"""The demo's network and its training in Keras."""

from __future__ import annotations

import sys
from pathlib import Path

import keras

import tb_activations as tba
from demo import datasets

SHOWN = 10  # one image of each class
BATCH = 256  # held-out images over which the statistics are taken


def build_model(shape: tuple[int, ...], classes: int) -> keras.Model:
    """Three 3×3 convolutions of 32, 64 and 128 channels, then two dense layers."""
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Conv2D(32, 3, activation="relu", name="conv1"),
            keras.layers.Conv2D(64, 3, activation="relu", name="conv2"),
            keras.layers.Conv2D(128, 3, activation="relu", name="conv3"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(128, activation="relu", name="dense1"),
            keras.layers.Dense(classes, activation="softmax", name="dense2"),
        ]
    )


def train(dataset: datasets.Dataset, *, epochs: int, log_dir: Path) -> float:
    """Trains, logs to `log_dir`, and returns the accuracy on the held-out images."""
    keras.utils.set_random_seed(0)
    model = build_model(dataset.images.shape[1:], len(dataset.class_names))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    held_out = dataset.held_out_images, dataset.held_out_labels
    shown = dataset.held_out_images[:BATCH], dataset.held_out_labels[:BATCH]
    names = dataset.class_names
    history = model.fit(
        dataset.images,
        dataset.labels,
        epochs=epochs,
        validation_data=held_out,
        callbacks=[
            tba.ActivationsCallback(
                log_dir,
                shown,
                max_outputs=SHOWN,
                class_names=names,
                attributions=["grad_cam", tba.AttributionMethod("integrated_gradients", steps=16)],
                attribution_examples=SHOWN,
            )
        ],
        verbose=1 if sys.stdout.isatty() else 2,  # a progress bar needs a terminal
    )
    return history.history["val_accuracy"][-1]
