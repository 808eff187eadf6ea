"""torchvision beside a PyTorch that its compiled operators were not built for: import this first.

Where they cannot be loaded, torchvision does not import at all, and neither does what imports it
where it is installed (torchmetrics, and so lightning). None of our tests calls one of them.
"""

from __future__ import annotations

import importlib.util

import torch

OPERATORS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align": "(Tensor input, Tensor rois, float scale, SymInt h, SymInt w, int ratio, "
    "bool aligned) -> Tensor",
    **{
        name: "(Tensor a) -> Tensor"
        for name in (
            "deform_conv2d",
            "ps_roi_align",
            "ps_roi_pool",
            "qnms",
            "roi_pool",
            "_deform_conv2d_backward",
            "_ps_roi_align_backward",
            "_ps_roi_pool_backward",
            "_roi_align_backward",
            "_roi_pool_backward",
        )
    },
}


def define() -> torch.library.Library | None:
    """Operators by name alone, where torchvision is installed and its own cannot be loaded."""
    if importlib.util.find_spec("torchvision") is None:
        return None
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        library = torch.library.Library("torchvision", "DEF")
        for name, schema in OPERATORS.items():
            library.define(f"{name}{schema}")
        return library
    return None


LIBRARY = define()
