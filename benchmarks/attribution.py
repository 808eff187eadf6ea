"""What an attribution costs: ours, captum's and tf-explain's, in passes forward and back.

The unit is one eager pass forward and back to the input, of the same examples, in the framework
that the contender runs on. One process a contender and method; the two are measured in turn, in
CPU, so that a noisy machine disturbs both. The first call, which may trace or compile, stands
apart.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import epoch, harness

STEPS = 32
METHODS = (
    *("gradients", "gradient_x_input", "integrated_gradients", "smooth_grad"),
    *("guided_smooth_grad", "occlusion", "lrp", "grad_cam", "grad_cam_plus_plus"),
)
PATCHES = 16
COMPARED = ("gradients", "gradient_x_input", "integrated_gradients", "grad_cam")
CONTENDERS = ("ours", "captum", "tf-explain")
NETWORKS = {"3 convolutions": (8, 32), "ResNet50": (4, 224)}  # examples, side
LIMITS = {
    **dict.fromkeys(METHODS, 1.5),
    **dict.fromkeys(("integrated_gradients", "smooth_grad"), STEPS),
    "occlusion": PATCHES / 2,
}
LRP_LIMITS = {"3 convolutions": 4.0, "ResNet50": 6.0}
MEMORY_LIMIT = 2.5e9

Work = Callable[[], Any]


def one(contender: str, method: str, network: str) -> dict[str, Any]:
    """first: its CPU ÷ the unit. ratios: of later calls. unit: seconds. memory: the peak."""
    count, side = NETWORKS[network]
    x = np.random.default_rng(0).normal(size=(count, side, side, 3)).astype("float32")
    unit, work = PREPARE[contender](method, network, x)
    unit()
    first = _cpu(work)
    repeats = 2 if network == "ResNet50" else 7
    pairs = [(_cpu(work), _cpu(unit)) for _ in range(repeats)]
    units = [each for _, each in pairs]
    return {
        "first": first / harness.median(units),
        "ratios": [called / each for called, each in pairs],
        "unit": harness.median(units),
        "memory": epoch._field(_STATUS, "VmHWM"),
    }


_STATUS = epoch.Path("/proc/self/status")


def _cpu(work: Work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _keras_network(network: str) -> Any:
    import keras
    from keras import layers

    if network == "ResNet50":
        return keras.applications.ResNet50(weights=None)
    x = inputs = keras.Input((32, 32, 3))
    for width in (16, 32, 64):
        x = layers.Conv2D(width, 3, activation="relu", name=f"conv{width}")(x)
    x = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, x)


def _keras_unit(model: Any, x: np.ndarray) -> Work:
    import tensorflow as tf

    def unit() -> None:
        leaf = tf.constant(x)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(leaf)
            score = tf.reduce_sum(model(leaf, training=False)[:, 1])
        tape.gradient(score, leaf).numpy()

    return unit


def _prepare_ours(method: str, network: str, x: np.ndarray) -> tuple[Work, Work]:
    import tb_activations as tba

    model = _keras_network(network)
    side = x.shape[1] // 4
    every: dict[str, dict[str, Any]] = {
        "integrated_gradients": {"steps": STEPS},
        "smooth_grad": {"samples": STEPS},
        "guided_smooth_grad": {"samples": 1, "noise": 0},
        "occlusion": {"patch": side, "stride": side},
    }
    options = every.get(method, {})
    return _keras_unit(model, x), lambda: tba.attribute(model, x, 1, method=method, **options)


def _prepare_tf_explain(method: str, network: str, x: np.ndarray) -> tuple[Work, Work]:
    from tf_explain.core.grad_cam import GradCAM
    from tf_explain.core.gradients_inputs import GradientsInputs
    from tf_explain.core.integrated_gradients import IntegratedGradients
    from tf_explain.core.vanilla_gradients import VanillaGradients

    model = _keras_network(network)
    layer = {"3 convolutions": "conv64", "ResNet50": "conv5_block3_out"}[network]
    explainers: dict[str, tuple[Any, dict[str, Any]]] = {
        "gradients": (VanillaGradients(), {}),
        "gradient_x_input": (GradientsInputs(), {}),
        "integrated_gradients": (IntegratedGradients(), {"n_steps": STEPS}),
        "grad_cam": (GradCAM(), {"layer_name": layer}),
    }
    explainer, options = explainers[method]

    def work() -> None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            explainer.explain((x, None), model, class_index=1, **options)

    return _keras_unit(model, x), work


def _prepare_captum(method: str, network: str, x: np.ndarray) -> tuple[Work, Work]:
    """On the same small network; captum is given no ResNet50, which torch alone does not have."""
    import torch
    from captum import attr
    from torch import nn

    convolutions = [nn.Conv2d(3, 16, 3), nn.Conv2d(16, 32, 3), nn.Conv2d(32, 64, 3)]
    rest = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    body = [layer for convolution in convolutions for layer in (convolution, nn.ReLU())]
    model = nn.Sequential(*body, *rest).eval()
    inputs = torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)

    def unit() -> None:
        torch.autograd.grad(model(inputs)[:, 1].sum(), inputs)

    works: dict[str, Work] = {
        "gradients": lambda: attr.Saliency(model).attribute(inputs, 1, abs=False),
        "gradient_x_input": lambda: attr.InputXGradient(model).attribute(inputs, 1),
        "integrated_gradients": lambda: attr.IntegratedGradients(model).attribute(
            inputs, target=1, n_steps=STEPS
        ),
        "grad_cam": lambda: attr.LayerGradCam(model, model[5]).attribute(inputs, 1),
    }
    return unit, works[method]


PREPARE = {"ours": _prepare_ours, "captum": _prepare_captum, "tf-explain": _prepare_tf_explain}


def sections(full: bool) -> list[harness.Section]:
    found = {
        (network, method, contender): harness.in_process(
            "benchmarks.attribution",
            "one",
            contender=contender,
            method=method,
            network=network,
        )
        for network in NETWORKS
        if full or network != "ResNet50"
        for method in METHODS
        for contender in CONTENDERS
        if (contender == "ours" or method in COMPARED)
        if not (network == "ResNet50" and contender == "captum")
    }
    return [
        harness.Section(
            "An attribution",
            "CPU of one call ÷ that of one eager pass forward and back of the same examples in the "
            "same framework: the median and the quartiles. The first call, which may trace or "
            "compile, by itself. Memory: the peak of the process, with what its libraries take. "
            f"Integrated gradients of {STEPS} steps, SmoothGrad of {STEPS} samples, guided "
            f"backpropagation of one, occlusion by {PATCHES} patches.",
            ["network", "method", "", "first call", "later calls", "unit", "memory"],
            [_row(*names, result) for names, result in found.items()],
            list(_targets(found)),
            "captum and tf-explain run all steps of integrated gradients at once, which is quick "
            "and takes memory with the steps; tf-explain's pictures are of the softmax, and its "
            "integrated gradients lack the factor x − x′.",
        )
    ]


def _row(network: str, method: str, contender: str, result: dict[str, Any]) -> list[str]:
    return [
        network,
        method,
        contender,
        f"{result['first']:.1f}",
        harness.spread(result["ratios"]),
        f"{1000 * result['unit']:.0f} ms",
        f"{result['memory'] / 1e9:.2f} GB",
    ]


def _targets(found: dict[Any, dict[str, Any]]) -> Iterator[harness.Target]:
    for (network, method, contender), result in found.items():
        if contender != "ours":
            continue
        many = method in ("integrated_gradients", "smooth_grad", "occlusion")
        floor = "the same rows, in one pass" if many else "1"
        figure = harness.median(result["ratios"])
        limit = LRP_LIMITS[network] if method == "lrp" else LIMITS[method]
        yield harness.Target(f"{method}, {network}", figure, limit, floor=floor)
        if network == "ResNet50":
            yield harness.Target(
                f"{method}, {network}: memory",
                result["memory"] / 1e9,
                MEMORY_LIMIT / 1e9,
                " GB",
                floor="0.9 GB, TensorFlow and the weights",
            )


if __name__ == "__main__":
    for part in sections(full=True):
        print(part.markdown())
