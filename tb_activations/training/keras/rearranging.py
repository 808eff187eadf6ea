"""Layers and operations whose output is their input's values in another shape, order or dtype."""

from __future__ import annotations

from typing import Any

import keras

_LAYERS = frozenset(
    getattr(keras.layers, name)
    for name in (
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
        "Flatten",
        "Permute",
        "RepeatVector",
        "Reshape",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "ZeroPadding3D",
    )
)
# Keras has no public names for the classes of its operations.
_OPERATIONS = frozenset(
    (
        "ArraySplit",
        "BroadcastTo",
        "Cast",
        "ConvertToTensor",
        "Copy",
        "DepthToSpace",
        "Dsplit",
        "ExpandDims",
        "Flip",
        "Fliplr",
        "Flipud",
        "GetItem",
        "Hsplit",
        "Moveaxis",
        "Pad",
        "Ravel",
        "Repeat",
        "Reshape",
        "Roll",
        "Rot90",
        "SaturateCast",
        "Slice",
        "SpaceToDepth",
        "Split",
        "Squeeze",
        "StopGradient",
        "Swapaxes",
        "Tile",
        "Transpose",
        "Unstack",
        "View",
        "Vsplit",
    )
)


def rearranges(layer: Any) -> bool:
    """Whether a layer or operation of Keras shows no value that its input does not show.

    One of the user's own that bears such a name may do anything.
    """
    if isinstance(layer, keras.Layer):
        return type(layer) in _LAYERS
    kind = type(layer)
    return kind.__module__.startswith("keras.") and kind.__name__ in _OPERATIONS
