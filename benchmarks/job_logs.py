"""Logs with the names and shapes of real networks' layers, without a training, for the five jobs.

Values are smooth random planes, rectified where the layer is; each log has faults that a person
would look for, and says in `Planted` what they are. Two examples and three steps a layer, but for
the sweep of forty runs: ten steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tb_activations import record
from tb_activations.eventfile.event import activation_event
from tb_activations.eventfile.writer import EventWriter
from tb_activations.record import metadata

STEPS = (0, 500, 1000)
EXAMPLES = 2
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Planted:
    """What there is to find: tags of the layers, and the run where there are several."""

    broken: str
    dead: str
    exploding: str
    run: str = "."
    runs: tuple[str, ...] = (".",)


@dataclass(frozen=True)
class Network:
    """The layers of a network, in model order, by the shape of one example."""

    name: str
    layers: dict[str, Shape]
    planted: Planted
    picture: Shape = (224, 224, 3)
    steps: tuple[int, ...] = STEPS
    signed: Callable[[str], bool] = field(default=lambda tag: not tag.endswith(("relu", "out")))


def resnet50() -> Network:
    """Keras's ResNet50 on 224×224: 175 layers and the input, some of 2048 channels."""
    layers: dict[str, Shape] = {"conv1_conv": (112, 112, 64)}
    layers |= {"conv1_bn": (112, 112, 64), "conv1_relu": (112, 112, 64)}
    layers["pool1_pool"] = (56, 56, 64)
    for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=2):
        side = 224 // 2**stage
        for block in range(1, blocks + 1):
            name = f"conv{stage}_block{block}"
            for i in (1, 2):
                for part in ("conv", "bn", "relu"):
                    layers[f"{name}_{i}_{part}"] = (side, side, width)
            ends = ["0_conv", "3_conv", "0_bn", "3_bn"] if block == 1 else ["3_conv", "3_bn"]
            for part in [*ends, "add", "out"]:
                layers[f"{name}_{part}"] = (side, side, 4 * width)
    layers |= {"avg_pool": (2048,), "predictions": (1000,)}
    # Without the two that pad.
    planted = Planted("conv4_block3_2_conv", "conv5_block2_1_relu", "conv3_block2_3_conv")
    return Network("ResNet50", layers, planted)


def vit() -> Network:
    """ViT-B/16 on 224×224, with the maps of its attention: 69 layers."""
    layers: dict[str, Shape] = {
        "patch_embed/proj": (14, 14, 768),
        "patch_embed/flatten": (196, 768),
    }
    layers |= {"class_token": (197, 768), "position_embed": (197, 768), "dropout": (197, 768)}
    for block in range(12):
        name = f"blocks/{block}"
        layers |= {f"{name}/norm1": (197, 768), f"{name}/attn_scores": (197, 197, 12)}
        layers |= {f"{name}/attn": (197, 768), f"{name}/norm2": (197, 768)}
        layers[f"{name}/mlp"] = (197, 768)
    layers |= {"norm": (197, 768), "pool": (768,), "head_drop": (768,), "head": (1000,)}
    planted = Planted("blocks/7/attn", "blocks/3/mlp", "blocks/10/norm2")
    return Network("ViT", layers, planted, signed=lambda tag: not tag.endswith(("scores", "mlp")))


def unet() -> Network:
    """A U-Net on 128×128, five levels, 16 to 256 channels."""
    layers: dict[str, Shape] = {}
    sides = [(128 >> level, 16 << level) for level in range(5)]
    for level, (side, width) in enumerate(sides):
        for part in ("conv_a", "relu_a", "conv_b", "relu_b"):
            layers[f"down{level}_{part}"] = (side, side, width)
        if level < 4:
            layers[f"down{level}_pool"] = (side // 2, side // 2, width)
    for level, (side, width) in reversed(list(enumerate(sides[:4]))):
        layers |= {f"up{level}_transpose": (side, side, width)}
        layers |= {f"up{level}_concat": (side, side, 2 * width)}
        for part in ("conv_a", "relu_a", "conv_b", "relu_b"):
            layers[f"up{level}_{part}"] = (side, side, width)
    layers["mask"] = (128, 128, 1)
    planted = Planted("up2_conv_a", "down3_relu_b", "down4_conv_b")
    named = lambda tag: "conv" in tag or "transpose" in tag  # noqa: E731
    return Network("U-Net", layers, planted, (128, 128, 3), signed=named)


def sweep() -> list[Network]:
    """Forty runs of one small ConvNet; one has a broken layer, another a dead one."""
    runs = [f"lr={lr:g},width={w},seed={s}" for lr in (0.1, 0.03, 0.01, 0.003, 0.001)
            for w in (16, 32) for s in range(4)]  # fmt: skip
    layers: dict[str, Shape] = {}
    for i, (side, width) in enumerate(((28, 16), (14, 32), (7, 64)), start=1):
        layers |= {f"conv{i}": (side, side, width), f"relu{i}": (side, side, width)}
    layers |= {"dense": (64,), "softmax": (10,)}
    planted = Planted("conv2", "relu2", "conv3", "lr=0.03,width=32,seed=2", tuple(runs))
    return [Network(run, layers, planted, (28, 28, 1), tuple(range(0, 1000, 100))) for run in runs]


def write(network: Network, directory: Path, start: float, *, faults: bool = True) -> None:
    """One run: the pictures, then every layer, at every step."""
    rng = np.random.default_rng(len(network.layers))
    with EventWriter(directory, ".activations") as writer:
        for at, step in enumerate(network.steps):
            when = start + 60 * at
            pictures = np.clip(smooth(network.picture, rng) / 4 + 0.5, 0, 1)
            writer.write(_event("input", step, pictures, when, 0))
            for order, (tag, values) in enumerate(_values(network, at, rng, faults), start=1):
                writer.write(_event(tag, step, values, when, order))


def _values(
    network: Network, at: int, rng: np.random.Generator, faults: bool
) -> Iterator[tuple[str, np.ndarray]]:
    planted, last = network.planted, len(network.steps) - 1
    for tag, shape in network.layers.items():
        values = smooth(shape, rng) * (1 + 0.4 * at)
        if not network.signed(tag):
            values = np.maximum(values, 0)
        if faults and tag == planted.broken and at == last:
            values[0, ..., 3] = np.nan
        if faults and tag == planted.dead:
            values[..., : shape[-1] * 3 // 4] = 0
        if faults and tag == planted.exploding:
            values *= 40.0**at
        yield tag, values


_PLANES: dict[Shape, np.ndarray] = {}


def smooth(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Float32 `[EXAMPLES, *shape]` about zero, of patches where there is a plane.

    The values of one shape are made once and rolled along the channels from then on.
    """
    if shape not in _PLANES:
        _PLANES[shape] = _patches(shape, rng)
    rolled = np.roll(_PLANES[shape], int(rng.integers(shape[-1])), -1)
    return rolled * rng.uniform(0.3, 2, shape[-1]).astype(np.float32)


def _patches(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    if len(shape) < 3:
        return rng.normal(size=(EXAMPLES, *shape)).astype(np.float32)
    height, width, channels = shape
    coarse = rng.normal(size=(EXAMPLES, -(-height // 4) + 1, -(-width // 4) + 1, channels))
    y, x = np.arange(height) / 4, np.arange(width) / 4
    rows = _between(coarse, y, 1)
    return _between(rows, x, 2).astype(np.float32)


def _between(values: np.ndarray, places: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation along an axis."""
    low = places.astype(int)
    share = (places - low).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    return np.take(values, low, axis) * (1 - share) + np.take(values, low + 1, axis) * share


def _event(tag: str, step: int, values: np.ndarray, when: float, order: int) -> bytes:
    kind = "input" if tag == "input" else "activation"
    about = metadata.summary_metadata(kind, order, None)
    labels = ["tabby", "otter"] if tag == "input" else None
    blobs = record.encode(values, compression=0, labels=labels)
    return activation_event(tag, blobs, step, when, about)


def write_all(directory: Path) -> dict[str, list[Network]]:
    """Each log in a directory of its own, by name; the sweep's faults are in one run of it."""
    logs = {network.name: [network] for network in (resnet50(), vit(), unet())}
    logs["40 runs"] = sweep()
    start = time.time() - 86_400
    for name, networks in logs.items():
        for i, network in enumerate(networks):
            one = len(networks) == 1
            run = directory / name if one else directory / name / network.name
            faulty = one or network.name == network.planted.run
            write(network, run, start + 600 * i, faults=faulty)
    return logs
