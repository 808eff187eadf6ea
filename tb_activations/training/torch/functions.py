"""Functions that are entries of their own: `relu()`, and on request any other, `add()`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F

_NAMES = (
    "relu relu_ relu6 leaky_relu leaky_relu_ elu elu_ selu selu_ celu celu_ gelu silu mish "
    "softplus sigmoid tanh hardtanh hardtanh_ hardswish hardsigmoid softmax log_softmax glu "
    "logsigmoid softsign prelu rrelu rrelu_ threshold threshold_ softmin hardshrink softshrink "
    "tanhshrink gumbel_softmax sigmoid_ tanh_"
)
ACTIVATIONS = frozenset(
    getattr(home, name)
    for home in (F, torch, torch.Tensor, torch.special)
    for name in _NAMES.split()
    if hasattr(home, name)
)
# What gives the same values once more, in another dtype or another place.
_COPIES = "to type float double half bfloat16 contiguous clone detach cpu cuda"
COPIES = frozenset(getattr(torch.Tensor, name) for name in _COPIES.split())
ATTENTION = F.scaled_dot_product_attention
HEADS = F.multi_head_attention_forward
SCORES = "attention_scores"
ENDINGS = ("softmax", "log_softmax", "sigmoid")  # that make probabilities of logits
_CALL = re.compile(r"(\w+)\(\)")
# What Python calls an operator, where torch calls it otherwise.
_OPERATORS = {
    "radd": "add", "iadd": "add", "rsub": "sub", "isub": "sub", "rmul": "mul", "imul": "mul",
    "truediv": "div", "rtruediv": "div", "itruediv": "div", "rmatmul": "matmul", "rpow": "pow",
    "ipow": "pow", "concat": "cat", "concatenate": "cat",
}  # fmt: skip


def name_of(function: Any) -> str:
    """`relu` of `relu_`, `add` of `x + y` and of `x += y`."""
    name = getattr(function, "__name__", "").strip("_")
    return _OPERATORS.get(name, name)


def asked_functions(texts: Iterable[Any]) -> frozenset[str]:
    """The functions that choices or names of entries call by name: `add` of `*/add()`."""
    found = [_CALL.findall(one) for one in texts if isinstance(one, str)]
    return frozenset(name for names in found for name in names)
