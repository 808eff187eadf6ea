"""The calls whose cost benchmarks/attribution.py measures: ours, captum's and tf-explain's.

Each function prepares one network of one framework: what a pass forward and back to the input is,
and a call for each contender and method.
"""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

STEPS = 32  # of integrated gradients and SmoothGrad
PATCHES = 16
CONVOLUTIONS, RESNET = "3 convolutions", "ResNet50"
NETWORKS = {CONVOLUTIONS: (8, 32), RESNET: (4, 224)}  # examples, side

Work = Callable[[], Any]
Works = dict[tuple[str, str], Work]  # (contender, method) → a call


def examples(network: str) -> np.ndarray:
    """`[n, h, w, 3]`."""
    count, side = NETWORKS[network]
    return np.random.default_rng(0).normal(size=(count, side, side, 3)).astype("float32")


def _ours(model: Any, x: Any, side: int) -> Works:
    import tb_activations as tba
    from tb_activations.training.attribution.methods import METHODS

    options: dict[str, dict[str, Any]] = {
        "integrated_gradients": {"steps": STEPS},
        "smooth_grad": {"samples": STEPS},
        "guided_smooth_grad": {"samples": 1, "noise": 0},
        "occlusion": {"patch": side // 4, "stride": side // 4},
    }

    def call(method: str) -> Work:
        return lambda: tba.attribute(model, x, 1, method=method, **options.get(method, {}))

    return {("ours", method): call(method) for method in METHODS}


def of_keras(network: str) -> tuple[Work, Works]:
    import tensorflow as tf

    model, x = _keras_network(network), examples(network)

    def unit() -> None:
        leaf = tf.constant(x)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(leaf)
            score = tf.reduce_sum(model(leaf, training=False)[:, 1])
        tape.gradient(score, leaf).numpy()

    return unit, {**_ours(model, x, x.shape[1]), **_tf_explains(model, network, x)}


def _keras_network(network: str) -> Any:
    import keras
    from keras import layers

    if network == RESNET:
        return keras.applications.ResNet50(weights=None)
    x = inputs = keras.Input((32, 32, 3))
    for width in (16, 32, 64):
        x = layers.Conv2D(width, 3, activation="relu", name=f"conv{width}")(x)
    x = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, x)


def _tf_explains(model: Any, network: str, x: np.ndarray) -> Works:
    from tf_explain.core.grad_cam import GradCAM
    from tf_explain.core.gradients_inputs import GradientsInputs
    from tf_explain.core.integrated_gradients import IntegratedGradients
    from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity
    from tf_explain.core.smoothgrad import SmoothGrad
    from tf_explain.core.vanilla_gradients import VanillaGradients

    layer = {CONVOLUTIONS: "conv64", RESNET: "conv5_block3_out"}[network]
    explainers: dict[str, tuple[Any, dict[str, Any]]] = {
        "gradients": (VanillaGradients(), {}),
        "gradient_x_input": (GradientsInputs(), {}),
        "integrated_gradients": (IntegratedGradients(), {"n_steps": STEPS}),
        "smooth_grad": (SmoothGrad(), {"num_samples": STEPS}),
        "occlusion": (OcclusionSensitivity(), {"patch_size": x.shape[1] // 4}),
        "grad_cam": (GradCAM(), {"layer_name": layer}),
    }

    def call(method: str) -> Work:
        explainer, options = explainers[method]

        def work() -> None:
            quiet = io.StringIO()
            with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                explainer.explain((x, None), model, class_index=1, **options)

        return work

    return {("tf-explain", method): call(method) for method in explainers}


def of_torch(network: str) -> tuple[Work, Works]:
    import torch

    warnings.filterwarnings("ignore", module="captum")  # that it sets hooks and flags
    torch.set_num_threads(1)  # waiting threads spin, which counts as CPU
    torch.manual_seed(0)
    model = _module(network).eval()
    x = torch.tensor(np.moveaxis(examples(network), -1, 1).copy())
    inputs = x.clone().requires_grad_()

    def unit() -> None:
        torch.autograd.grad(model(inputs)[:, 1].sum(), inputs)

    return unit, {**_ours(model, x, x.shape[-1]), **_captums(model, network, x)}


def _module(network: str) -> Any:
    from torch import nn

    from benchmarks.torch_nets import resnet

    if network == RESNET:
        return resnet((3, 4, 6, 3), wide=True)
    convolutions = [nn.Conv2d(3, 16, 3), nn.Conv2d(16, 32, 3), nn.Conv2d(32, 64, 3)]
    rest = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(*(one for conv in convolutions for one in (conv, nn.ReLU())), *rest)


def _captums(model: Any, network: str, x: Any) -> Works:
    """It refuses a ReLU that is called twice, so that ResNet50 goes without LRP and guided maps."""
    from captum import attr

    side = x.shape[-1] // 4
    patch = {"sliding_window_shapes": (3, side, side), "strides": (3, side, side)}
    last = model[5] if network == CONVOLUTIONS else model[-4]
    works: dict[str, Work] = {
        "gradients": lambda: attr.Saliency(model).attribute(x, 1, abs=False),
        "gradient_x_input": lambda: attr.InputXGradient(model).attribute(x, 1),
        "integrated_gradients": lambda: attr.IntegratedGradients(model).attribute(
            x, target=1, n_steps=STEPS, internal_batch_size=32
        ),
        "smooth_grad": lambda: attr.NoiseTunnel(attr.Saliency(model)).attribute(
            x, nt_samples=STEPS, nt_samples_batch_size=4, target=1, abs=False
        ),
        "occlusion": lambda: attr.Occlusion(model).attribute(
            x, target=1, perturbations_per_eval=4, **patch
        ),
        "grad_cam": lambda: attr.LayerGradCam(model, last).attribute(x, 1),
    }
    if network == CONVOLUTIONS:
        works["guided_smooth_grad"] = lambda: attr.GuidedBackprop(model).attribute(x, 1)
        works["lrp"] = _captums_relevance(model, x)
    return {("captum", method): work for method, work in works.items()}


def _captums_relevance(model: Any, x: Any) -> Work:
    """It has rules for the convolutions and dense layers; `Flatten` must be told one."""
    from captum import attr
    from captum.attr._utils.lrp_rules import EpsilonRule

    own = copy.deepcopy(model)

    def work() -> None:
        own[-2].rule = EpsilonRule()  # it is taken away behind each call
        attr.LRP(own).attribute(x, 1)

    return work
