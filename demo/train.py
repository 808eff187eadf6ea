"""Trains the ConvNet of the README on real images and logs its activations at every epoch.

    python -m demo.train [--dataset digits|mnist|cifar10] [--epochs N] [--images N] [--log-dir DIR]

Writes one TensorBoard run, `DIR/digits-1`, `DIR/digits-2`, …
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import keras

import tb_activations as tba
from demo import datasets

LOG_DIR = Path(__file__).parent / "logs"
EPOCHS = {"digits": 12, "mnist": 3, "cifar10": 5}
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
        callbacks=[tba.ActivationsCallback(log_dir, shown, max_outputs=SHOWN, class_names=names)],
        verbose=1 if sys.stdout.isatty() else 2,  # a progress bar needs a terminal
    )
    return history.history["val_accuracy"][-1]


def next_run(log_dir: Path, name: str) -> Path:
    """The first of `name-1`, `name-2`, … that does not exist yet."""
    number = 1
    while (log_dir / f"{name}-{number}").exists():
        number += 1
    return log_dir / f"{name}-{number}"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.train", description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", choices=sorted(datasets.LOADERS), default="digits")
    parser.add_argument("--epochs", type=int, help="default: 12 for digits, 3 mnist, 5 cifar10")
    parser.add_argument("--images", type=int, help="train on the first N images alone")
    parser.add_argument("--log-dir", type=Path, default=LOG_DIR)
    return parser.parse_args(arguments)


def main() -> None:
    options = parse()
    keras.utils.set_random_seed(0)
    dataset = datasets.load(options.dataset).first(options.images)
    run = next_run(options.log_dir, dataset.name)
    print(f"Training on {len(dataset.images)} images of {dataset.name}, logging to {run}")
    try:
        accuracy = train(dataset, epochs=options.epochs or EPOCHS[dataset.name], log_dir=run)
    except KeyboardInterrupt:
        raise SystemExit(f"\nstopped; what was logged so far stays in {run}") from None
    print(f"{accuracy:.1%} of the held-out images are recognised")


if __name__ == "__main__":
    main()
