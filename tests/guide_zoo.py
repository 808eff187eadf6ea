"""Models as guides, papers and reports write them, beside those of `model_zoo`.

Each is what the callback is handed: the model that `fit` trains, what it is shown, which attribute
of the model is watched (None for all of it), which layers are asked for (None for all), and the
entries that are logged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers as L
from keras import ops
from model_zoo import real
from training.keras.test_data import Aggregate
from training.keras.test_folds import video, views, windows
from training.keras.test_values import MinibatchStd, Similarities, model_of
from training.keras.test_watched_models import Contrastive, Diffusion, Gan, Vae


class Kind(NamedTuple):
    model: Any
    data: Any
    names: list[str]
    watched: str | None = None
    layers: Any = None

    @property
    def shown(self) -> Any:
        """The model whose layers are logged."""
        return self.model if self.watched is None else getattr(self.model, self.watched)


KINDS: dict[str, Callable[[], Kind]] = {}
NO_GRAPH = {"Layers named like globs and paths"}  # TensorFlow refuses their names as scopes


def kind(title: str) -> Callable:
    def add(make: Callable[[], Kind]) -> Callable:
        KINDS[title] = make
        return make

    return add


def dense(*layers: Any, width: int = 6) -> Any:
    return keras.Sequential([keras.Input((width,)), *layers])


@kind("GAN without `call`: its generator")
def generator() -> Kind:
    return Kind(Gan(), real(4, 5), ["g1", "g2"], "generator")


@kind("GAN without `call`: its discriminator")
def discriminator() -> Kind:
    return Kind(Gan(), real(4, 6), ["d1", "d2"], "discriminator")


@kind("Variational autoencoder without `call`: its encoder")
def vae() -> Kind:
    return Kind(Vae(), real(4, 6), ["mean", "spread", "z"], "encoder")


@kind("Diffusion: the network that denoises")
def diffusion() -> Kind:
    names = ["level", "concatenate", "down", "noise"]
    return Kind(Diffusion(), [real(4, 8, 8, 1), real(4, 1, 1, 1)], names, "network")


@kind("Contrastive learning: its encoder")
def contrastive() -> Kind:
    return Kind(Contrastive(), real(4, 6), ["e"], "encoder")


@kind("Minibatch deviation, 33 examples")
def minibatch() -> Kind:
    names = ["a", "std", "after"]
    return Kind(model_of(MinibatchStd(name="std")), real(33, 6), names)


@kind("Similarities within the batch, 40 examples")
def similarities() -> Kind:
    model = model_of(Similarities(name="logits"))
    return Kind(model, real(40, 6), ["a", "logits", "after"])


@kind("Frames of a video in the batch")
def frames() -> Kind:
    return Kind(*video(), ["frame_conv", "head"])


@kind("Attention in windows, as Swin's")
def swin() -> Kind:
    parts = ["query", "key", "value", "attention_scores", "attention_output"]
    return Kind(*windows(), [*(f"mha/{part}" for part in parts), "head"])


@kind("Two views one after the other, as SimCLR's")
def simclr() -> Kind:
    return Kind(*views(), ["project", "head"])


@kind("A graph's nodes and edges")
def graph() -> Kind:
    nodes, edges = keras.Input((4,)), keras.Input((2,), dtype="int32")
    both = Aggregate(name="agg")([L.Dense(8, name="embed")(nodes), edges])
    model = keras.Model([nodes, edges], L.Dense(2, name="out")(both))
    x = [real(10, 4), np.arange(46).reshape(23, 2) % 10]
    return Kind(model, [x[0], x[1].astype("int32")], ["embed", "agg", "out"])


@kind("An optional input that is None")
def optional() -> Kind:
    class Both(L.Layer):
        def call(self, a: Any, b: Any = None) -> Any:
            return a * 2 if b is None else a + b

    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b", optional=True)
    model = keras.Model({"a": a, "b": b}, L.Dense(2, name="head")(Both(name="both")(a, b)))
    return Kind(model, {"a": real(4, 4), "b": None}, ["both", "head"])


@kind("Triplets that are all inputs")
def triplets() -> Kind:
    class Siamese(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.tower = L.Dense(3, name="tower")

        def call(self, x: Any) -> Any:
            a, p, n = (self.tower(one) for one in x)
            return ops.stack([ops.sum((a - p) ** 2, -1), ops.sum((a - n) ** 2, -1)], axis=1)

    names = ["tower", "tower:2", "tower:3", "siamese"]
    return Kind(Siamese(), [real(4, 6) for _ in range(3)], names)


@kind("LoRA weights, enabled")
def lora() -> Kind:
    model = dense(L.Dense(5, name="a"), L.Dense(2, name="b"))
    model.layers[0].enable_lora(2)
    model.layers[0].lora_kernel_b.assign(real(2, 5))
    return Kind(model, real(4, 6), ["a", "b"])


@kind("Quantised to int8")
def quantised() -> Kind:
    model = dense(L.Dense(5, name="a"), L.Dense(2, name="b"))
    model(real(4, 6))
    model.quantize("int8")
    return Kind(model, real(4, 6), ["a", "b"])


@kind("Layers named like globs and paths")
def names() -> Kind:
    model = dense(L.Dense(3, name="conv[1]"), L.Dense(3, name="*"), L.Dense(2, name="äé ü?"))
    return Kind(model, real(4, 6), ["conv[1]", "*", "äé ü?"])


@kind("Before a fused activation, on request")
def before_activation() -> Kind:
    model = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, activation="relu", name="c")])
    asked = ["c/before_activation", "c"]
    return Kind(model, real(4, 8, 8, 3), asked, layers=asked)


@kind("Inside TimeDistributed, on request")
def time_distributed() -> Kind:
    inner = keras.Sequential([keras.Input((8, 8, 3)), L.Conv2D(4, 3, name="conv")], name="inner")
    model = keras.Sequential([keras.Input((3, 8, 8, 3)), L.TimeDistributed(inner, name="frames")])
    asked = ["frames/inner/conv", "frames"]
    return Kind(model, real(4, 3, 8, 8, 3), asked, layers=asked)
