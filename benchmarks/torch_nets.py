"""The PyTorch models that are measured: a ConvNet, ResNets for 64 pixels, an encoder."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

BATCH = 32


class Block(nn.Module):
    """Two convolutions of 3×3, or three that narrow and widen by four, and what passes them by."""

    def __init__(self, before: int, channels: int, stride: int, wide: bool) -> None:
        super().__init__()
        after = channels * 4 if wide else channels
        sizes = (
            [(before, channels, 1, 1), (channels, channels, 3, stride), (channels, after, 1, 1)]
            if wide
            else [(before, channels, 3, stride), (channels, after, 3, 1)]
        )
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, k, s, k // 2, bias=False) for a, b, k, s in sizes
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b, _, _ in sizes)
        self.relu = nn.ReLU(inplace=True)
        self.past: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.past = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        last = len(self.convs) - 1
        for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            y = norm(conv(y))
            y = y if i == last else self.relu(y)
        y += self.past(x)
        return self.relu(y)


def resnet(depths: tuple[int, ...], wide: bool) -> nn.Module:
    """As He and others have it, of 18 layers (2, 2, 2, 2) or, wide, 50 (3, 4, 6, 3)."""
    stem = nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    )
    stages: list[nn.Module] = []
    before = 64
    for i, depth in enumerate(depths):
        channels = 64 << i
        for j in range(depth):
            stride = 2 if i and not j else 1
            stages.append(Block(before, channels, stride, wide))
            before = channels * 4 if wide else channels
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))
    return nn.Sequential(stem, *stages, *head)


class ConvNet(nn.Module):
    """As tutorials write it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.fc1, self.fc2 = nn.Linear(64 * 12 * 12, 128), nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))
        x = F.max_pool2d(x, 2).flatten(1)
        return self.fc2(F.relu(self.fc1(x)))


class Encoder(nn.Module):
    """Four layers over 128 positions of 256 channels."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(256, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x).mean(1))


MODELS: dict[str, Callable[[], tuple[nn.Module, torch.Tensor]]] = {
    "ConvNet, 28 px": lambda: (ConvNet(), torch.randn(BATCH, 1, 28, 28)),
    "ResNet18, 64 px": lambda: (resnet((2, 2, 2, 2), False), torch.randn(BATCH, 3, 64, 64)),
    "ResNet50, 64 px": lambda: (resnet((3, 4, 6, 3), True), torch.randn(BATCH, 3, 64, 64)),
    "encoder, 4 × 256": lambda: (Encoder(), torch.randn(BATCH, 128, 256)),
}
