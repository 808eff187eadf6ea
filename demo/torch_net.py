"""The demo's network and its training in PyTorch: the same, with channels first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.tensorboard import SummaryWriter

import tb_activations as tba
from demo import datasets

SHOWN = 10  # one image of each class
BATCH = 256  # held-out images over which the statistics are taken


class ConvNet(nn.Module):
    """Three 3×3 convolutions of 32, 64 and 128 channels, then two dense layers; answers logits."""

    def __init__(self, channels: int, side: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.conv3 = nn.Conv2d(64, 128, 3)
        self.dense1 = nn.Linear(128 * (side - 6) ** 2, 128)
        self.dense2 = nn.Linear(128, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps = F.relu(self.conv1(images))
        maps = F.relu(self.conv2(maps))
        maps = F.relu(self.conv3(maps))
        return self.dense2(F.relu(self.dense1(maps.flatten(1))))


def tensors(images: np.ndarray, labels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """`[n, height, width, channels]` → `[n, channels, height, width]`, and the classes."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.as_tensor(labels).long()


def train(dataset: datasets.Dataset, *, epochs: int, log_dir: Path) -> float:
    """Trains, logs to `log_dir`, and returns the accuracy on the held-out images."""
    torch.manual_seed(0)
    batches = DataLoader(
        TensorDataset(*tensors(dataset.images, dataset.labels)), batch_size=32, shuffle=True
    )
    images, labels = tensors(dataset.held_out_images, dataset.held_out_labels)
    model = ConvNet(images.shape[1], images.shape[2], len(dataset.class_names))
    optimizer = torch.optim.Adam(model.parameters())
    writer = SummaryWriter(str(log_dir))
    logger = tba.ActivationsLogger(
        writer,
        model,
        (images[:BATCH], labels[:BATCH]),
        update_freq=1,
        max_outputs=SHOWN,
        class_names=dataset.class_names,
    )
    accuracy = 0.0
    with writer, logger:
        logger.step(step=0)
        for epoch in range(1, epochs + 1):
            loss = one_epoch(model, batches, optimizer)
            accuracy = accuracy_of(model, images, labels)
            print(f"Epoch {epoch}/{epochs}  loss {loss:.4f}  held-out accuracy {accuracy:.4f}")
            writer.add_scalar("loss", loss, epoch)
            writer.add_scalar("accuracy", accuracy, epoch)
            logger.step(step=epoch)
    return accuracy


def one_epoch(model: nn.Module, batches: DataLoader, optimizer: torch.optim.Optimizer) -> float:
    """Trains on every batch; the mean of their losses."""
    model.train()
    losses = []
    for images, labels in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


@torch.no_grad()
def accuracy_of(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    return (model(images).argmax(1) == labels).float().mean().item()
