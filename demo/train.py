"""Trains the ConvNet of the README on real images and logs its activations at every epoch.

    python -m demo.train [--framework keras|torch] [--dataset digits|mnist|cifar10] [--epochs N]
        [--images N] [--log-dir DIR]

Writes one TensorBoard run, `DIR/digits-1`, `DIR/digits-2`, …
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

from demo import datasets

LOG_DIR = Path(__file__).parent / "logs"
EPOCHS = {"digits": 12, "mnist": 3, "cifar10": 5}
NETS = {"keras": "demo.keras_net", "torch": "demo.torch_net"}


def next_run(log_dir: Path, name: str) -> Path:
    """The first of `name-1`, `name-2`, … that does not exist yet."""
    number = 1
    while (log_dir / f"{name}-{number}").exists():
        number += 1
    return log_dir / f"{name}-{number}"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo.train", description=__doc__.splitlines()[0])
    parser.add_argument("--framework", choices=sorted(NETS), default="keras")
    parser.add_argument("--dataset", choices=sorted(datasets.LOADERS), default="digits")
    parser.add_argument("--epochs", type=int, help="default: 12 for digits, 3 mnist, 5 cifar10")
    parser.add_argument("--images", type=int, help="train on the first N images alone")
    parser.add_argument("--log-dir", type=Path, default=LOG_DIR)
    return parser.parse_args(arguments)


def main() -> None:
    options = parse()
    net = importlib.import_module(NETS[options.framework])
    dataset = datasets.load(options.dataset).first(options.images)
    run = next_run(options.log_dir, dataset.name)
    print(f"Training on {len(dataset.images)} images of {dataset.name}, logging to {run}")
    try:
        accuracy = net.train(dataset, epochs=options.epochs or EPOCHS[dataset.name], log_dir=run)
    except KeyboardInterrupt:
        raise SystemExit(f"\nstopped; what was logged so far stays in {run}") from None
    print(f"{accuracy:.1%} of the held-out images are recognised")


if __name__ == "__main__":
    main()
