"""What is said of rules for the way back, in the same words for every framework."""

from __future__ import annotations

NO_RELU = "guided_smooth_grad changes how ReLUs pass gradients back, and none was met in this model"
UNUSED_BOUNDS = (
    "bounds were of no use: no dense layer or convolution takes the input itself; its rule is that "
    "of the others"
)


def no_relu_either(activation: str) -> str:
    """Of an activation that stands beside ReLUs under guided backpropagation."""
    return (
        f"guided_smooth_grad changes ReLUs alone: the model's {activation} passes its own gradient"
    )


def has_gates(kind: str, name: str) -> str:
    """Of a recurrent layer, whose gates relevance has no rule for."""
    return f"lrp has no rule for the gates of {kind} {name!r}"
