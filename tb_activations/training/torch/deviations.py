"""Normalisations on the way back of relevance: what they divide by is held."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from tb_activations.training.torch.rules import argument, sloped

NORMS = ("layer_norm", "group_norm", "instance_norm")
SCALES = ("rms_norm", "normalize", "local_response_norm")  # divide, and subtract nothing


def held(name: str, args: tuple, kwargs: Mapping[str, Any], y: torch.Tensor) -> torch.Tensor:
    """y, with the slope of (x − mean) / deviation · weight, the deviation held."""
    x = argument(args, kwargs, 0, "input")
    if name == "layer_norm":
        sides = len(argument(args, kwargs, 1, "normalized_shape"))
        groups, weight = x, argument(args, kwargs, 2, "weight")
        axes = tuple(range(-sides, 0))
    else:
        found = _of_groups(name, x, args, kwargs)
        if found is None:
            return y
        groups, weight = found
        axes = tuple(range(2, groups.dim()))
    eps = argument(args, kwargs, 7 if name == "instance_norm" else 4, "eps")
    centred = groups - groups.mean(axes, keepdim=True)
    with torch.no_grad():
        spread = (groups if x.itemsize > 2 else groups.float()).var(
            axes, unbiased=False, keepdim=True
        )
        factor = (1 / (spread + (1e-5 if eps is None else eps)).sqrt()).to(x.dtype)
        factor = factor.expand(groups.shape).reshape(x.shape)
        factor = factor if weight is None else factor * weight
    return sloped(y, centred.reshape(x.shape), factor.to(y.dtype))


def _of_groups(
    name: str, x: torch.Tensor, args: tuple, kwargs: Mapping[str, Any]
) -> tuple[torch.Tensor, Any] | None:
    """The values as `[n, groups, …]`, and the weight as it is multiplied with x."""
    if name == "group_norm":
        count, weight = argument(args, kwargs, 1, "num_groups"), argument(args, kwargs, 2, "weight")
    else:
        own = argument(args, kwargs, 5, "use_input_stats")
        if own is False:
            return None  # statistics that are kept: it has a slope of its own
        count, weight = x.shape[1], argument(args, kwargs, 3, "weight")
    if weight is not None:
        weight = weight.reshape(-1, *[1] * (x.dim() - 2))
    return x.reshape(x.shape[0], count, -1), weight


def scale_and_shift(args: tuple, kwargs: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Of `F.batch_norm` on kept statistics, for each channel as they are multiplied and added."""
    names = ("input", "running_mean", "running_var", "weight", "bias", "training", "", "eps")
    x, mean, variance, weight, bias, training, _, eps = (
        argument(args, kwargs, i, name) for i, name in enumerate(names)
    )
    if training or mean is None or variance is None:
        return None
    with torch.no_grad():
        scale = 1 / (variance + (1e-5 if eps is None else eps)).sqrt()
        scale = scale if weight is None else scale * weight
        shift = -mean * scale if bias is None else bias - mean * scale
        shape = (1, math.prod(mean.shape), *[1] * (x.dim() - 2))
        return scale.reshape(shape).to(x.dtype), shift.reshape(shape).to(x.dtype)
