"""Eight models of keras-hub from small configurations, with random weights; none is downloaded.

Needs keras-hub, which asks for `tensorflow` itself: the session `hub` of noxfile.py installs both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras_hub
import numpy as np

models = keras_hub.models
KINDS: dict[str, Callable[[], tuple[Any, Any]]] = {}
EXAMPLES, LENGTH = 2, 8


def kind(title: str) -> Callable:
    """The function returns (model, inputs of EXAMPLES examples)."""

    def add(make: Callable[[], tuple[Any, Any]]) -> Callable:
        KINDS[title] = make
        return make

    return add


def images(side: int = 32) -> np.ndarray:
    return np.random.default_rng(0).random((EXAMPLES, side, side, 3), "float32")


def tokens(vocabulary: int = 50) -> np.ndarray:
    return np.random.default_rng(0).integers(1, vocabulary, (EXAMPLES, LENGTH)).astype("int32")


def ones() -> np.ndarray:
    return np.ones((EXAMPLES, LENGTH), "int32")


@kind("`ViTImageClassifier`")
def vit() -> tuple[Any, Any]:
    backbone = models.ViTBackbone(
        image_shape=(32, 32, 3), patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32
    )
    return models.ViTImageClassifier(backbone=backbone, num_classes=3), images()


@kind("`ResNetImageClassifier`")
def resnet() -> tuple[Any, Any]:
    backbone = models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        image_shape=(32, 32, 3),
    )
    return models.ResNetImageClassifier(backbone=backbone, num_classes=3), images()


@kind("`DenseNetBackbone`")
def densenet() -> tuple[Any, Any]:
    return models.DenseNetBackbone([2, 2], image_shape=(32, 32, 3), growth_rate=8), images()


@kind("`MiTBackbone` (SegFormer)")
def mit() -> tuple[Any, Any]:
    backbone = models.MiTBackbone(
        layerwise_depths=[1, 1],
        num_layers=2,
        layerwise_num_heads=[1, 2],
        layerwise_sr_ratios=[2, 1],
        max_drop_path_rate=0.1,
        layerwise_patch_sizes=[7, 3],
        layerwise_strides=[4, 2],
        image_shape=(32, 32, 3),
        hidden_dims=[8, 16],
    )
    return backbone, images()


@kind("`BertTextClassifier`")
def bert() -> tuple[Any, Any]:
    backbone = models.BertBackbone(
        vocabulary_size=50, num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32
    )
    x = {"token_ids": tokens(), "padding_mask": ones(), "segment_ids": np.zeros_like(ones())}
    return models.BertTextClassifier(backbone=backbone, num_classes=3), x


@kind("`GPT2CausalLM`")
def gpt2() -> tuple[Any, Any]:
    backbone = models.GPT2Backbone(
        vocabulary_size=50, num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32
    )
    return models.GPT2CausalLM(backbone=backbone), dict(token_ids=tokens(), padding_mask=ones())


@kind("`LlamaBackbone`")
def llama() -> tuple[Any, Any]:
    backbone = models.LlamaBackbone(
        vocabulary_size=50,
        num_layers=2,
        num_query_heads=2,
        num_key_value_heads=1,
        hidden_dim=16,
        intermediate_dim=32,
    )
    return backbone, dict(token_ids=tokens(), padding_mask=ones())


@kind("`T5Backbone`")
def t5() -> tuple[Any, Any]:
    backbone = models.T5Backbone(
        vocabulary_size=50, num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32
    )
    sides = ("encoder", "decoder")
    x = {f"{side}_token_ids": tokens() for side in sides}
    return backbone, {**x, **{f"{side}_padding_mask": ones() for side in sides}}
