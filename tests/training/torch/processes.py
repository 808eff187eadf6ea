"""One of two processes that train together, started by `test_distributed.py`.

    RANK=0 WORLD_SIZE=2 python processes.py DIRECTORY KIND...

Writes DIRECTORY/KIND, the log, and from rank 0 KIND.npy, the logits of the shown examples.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import vision  # noqa: F401
from torch import nn

import tb_activations as tba

RANK = int(os.environ["RANK"])


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.fc = nn.Linear(4 * 36, 5)

    def forward(self, x: Any) -> Any:
        return self.fc(self.act(self.norm(self.conv(x))).flatten(1))


def wrapped(kind: str) -> nn.Module:
    torch.manual_seed(0)
    net = Net()
    if kind == "ddp":
        return nn.parallel.DistributedDataParallel(net)
    from torch.distributed.fsdp import fully_shard

    fully_shard(net.fc)
    fully_shard(net)
    return net


def batches() -> Iterator[tuple[Any, Any]]:
    """Four, others in each process."""
    generator = torch.Generator().manual_seed(RANK)
    for _ in range(4):
        yield torch.rand((6, 3, 8, 8), generator=generator), torch.arange(6) % 5


def trained(kind: str, log_dir: Path | None) -> nn.Module:
    model = wrapped(kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    logger = log_dir and tba.ActivationsLogger(log_dir, model, shown(), update_freq=2, verbose=0)
    with logger or nullcontext():
        for x, y in batches():
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
            if logger:
                logger.step()
    return model


def shown() -> Any:
    return torch.rand((5, 3, 8, 8), generator=torch.Generator().manual_seed(9))


def whole(value: Any) -> Any:
    return value.full_tensor() if hasattr(value, "full_tensor") else value


def by_hand(kind: str, directory: Path) -> None:
    """The same training with a logger and without, and what the model then answers."""
    model = trained(kind, directory / kind)
    without = trained(kind, None)
    for (name, ours), theirs in zip(
        model.state_dict().items(), without.state_dict().values(), strict=True
    ):
        assert torch.equal(whole(ours), whole(theirs)), name
    with torch.no_grad():
        logits = model.eval()(shown())
    if RANK == 0:
        np.save(directory / f"{kind}.npy", logits[:4].numpy())


def of_lightning(directory: Path) -> None:
    import lightning.pytorch as L
    from torch.utils.data import DataLoader
    from training.torch.test_lightning import Net as Module
    from training.torch.test_lightning import examples

    trainer = L.Trainer(
        accelerator="cpu",
        devices=2,
        strategy="ddp",
        max_epochs=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        default_root_dir=directory,
        callbacks=[tba.LightningCallback(directory / "lightning", update_freq=2, verbose=0)],
    )
    trainer.fit(Module(), DataLoader(examples(), batch_size=4), DataLoader(examples(), 4))


def of_transformers(directory: Path) -> None:
    import transformers
    from training.torch.test_transformers import Pictures

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(768, 3)

        def forward(self, pixel_values: Any, labels: Any = None) -> Any:
            logits = self.fc(pixel_values.flatten(1))
            loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
            return {"loss": loss, "logits": logits}

    arguments = transformers.TrainingArguments(
        str(directory / "out"),
        per_device_train_batch_size=4,
        num_train_epochs=1,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        ddp_backend="gloo",
    )
    watch = tba.TransformersCallback(directory / "transformers", update_freq=2, verbose=0)
    trainer = transformers.Trainer(Model(), arguments, train_dataset=Pictures(), callbacks=[watch])
    trainer.train()


def main() -> None:
    directory, kinds = Path(sys.argv[1]), sys.argv[2:]
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    store = dist.FileStore(str(directory / "store"), 2)
    dist.init_process_group("gloo", store=store, rank=RANK, world_size=2)
    for kind in kinds:
        if kind in ("ddp", "fsdp2"):
            by_hand(kind, directory)
        else:
            {"lightning": of_lightning, "transformers": of_transformers}[kind](directory)
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
