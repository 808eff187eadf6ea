"""`LightningCallback`, for `lightning` and for `pytorch_lightning`, made when it is asked for.

Neither is imported before; its class is that of the one that is loaded, or of both.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any

from torch import nn

from tb_activations.training.torch.loaded import (
    OneBatch,
    first_loader,
    is_dataset,
    of_examples,
    one_batch,
)
from tb_activations.training.torch.state import random_numbers
from tb_activations.training.torch.trained import Trained, part_of, uncached

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


class _Hooks(Trained):
    """Logs the activations of what Lightning's `Trainer` trains.

        trainer = Trainer(callbacks=[tba.LightningCallback()])

    Args:
      log_dir: the run's directory; None for the trainer's, `trainer.log_dir`, where
        `TensorBoardLogger` writes too.
      data: what the model is shown, as `tba.ActivationsLogger` takes it, or a data set of single
        examples; None for the first examples of the first validation loader, 64 at most, as its
        `collate_fn` puts them together and the module's transfer hooks leave them; where there
        is none, for the first batch that is trained on.
      layers: a name, glob, module, class or predicate over modules, or a list of them; None for
        every one whose values no other shows.
      model: what is watched: a module, or the name of one in the `LightningModule`,
        `"net.encoder"`; None for the `LightningModule`, or for the one module that it holds where
        it has no `forward` of its own.
      update_freq: how many of `trainer.global_step` lie between two records, or "epoch".
      class_names: None for the `classes` of the data set of the loader.
      autocast: None for the trainer's own precision.

    All others are those of `tba.ActivationsLogger`. Steps are `trainer.global_step`: those of the
    optimizers, on from where a checkpoint stands. The first record is of the module as training
    begins, the last as it ends. Where several processes train, the first one writes.

    Raises:
      ValueError, TypeError: a bad argument, here; a layer that the model does not have, or data
        that it does not take, when training begins.
    """

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self._where = trainer.log_dir  # asks all processes, so none may leave it out
        if self._data is not None:
            data = of_examples(self._data) if is_dataset(self._data) else self._data
            self._start(trainer, pl_module, data)
            return
        loader = first_loader(trainer.val_dataloaders)
        if loader is not None:
            with random_numbers(pl_module):
                data = one_batch(loader)
                batch = trainer.strategy.batch_to_device(next(iter(data)))
            self._start(trainer, pl_module, OneBatch(batch, data.dataset))

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, *_: Any
    ) -> None:
        if self._logger is None:
            loader = first_loader(trainer.train_dataloader)
            self._start(trainer, pl_module, OneBatch(batch, getattr(loader, "dataset", None)))
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        self._stepped(trainer.global_step, loss)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._epoch_ended(trainer.global_step)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._end(trainer.global_step)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._end()

    def _start(self, trainer: Any, module: Any, data: Any) -> None:
        model = part_of(module, self._part)
        if model is None:
            model = _forward_of(trainer, module)
        context = uncached(trainer.strategy.precision_plugin.forward_context)
        self._begin(self._where, model, data, trainer.global_step, autocast=context)


def _forward_of(trainer: Any, module: nn.Module) -> nn.Module:
    """The `LightningModule`, or what it holds where it has no `forward` of its own.

    Raises:
      ValueError: it holds several modules.
    """
    if _has_forward(module):
        # What is sharded as a whole is run as a whole; DistributedDataParallel is not asked.
        whole = trainer.model
        return whole if type(whole).__name__ == "FullyShardedDataParallel" else module
    held = [(name, one) for name, one in module.named_children() if list(one.parameters())]
    if len(held) == 1:
        return held[0][1]
    names = ", ".join(f"model={name!r}" for name, _ in held) or "model="
    raise ValueError(
        f"{type(module).__name__} has no forward of its own to be shown data: say which part of "
        f"it is watched, {names}"
    )


def _has_forward(module: nn.Module) -> bool:
    """Whether its class, or the module itself, says how it is run."""
    bases = [one for one in type(module).__mro__ if one is not nn.Module]
    own = (one for one in bases if "forward" in vars(one) and one.__name__ != "LightningModule")
    return next(own, None) is not None or "forward" in vars(module)


@functools.cache
def _made(bases: tuple[type, ...]) -> type:
    return type(
        "LightningCallback", (_Hooks, *bases), {"__doc__": _Hooks.__doc__, "__module__": __name__}
    )


def _bases() -> tuple[type, ...]:
    """`Callback` of each of the packages that is loaded; of the first that is installed else."""
    loaded = [name for name in _PACKAGES if name in sys.modules]
    for name in loaded or _PACKAGES:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as e:
            if e.name not in (name, name.partition(".")[0]):
                raise
        else:
            loaded = loaded or [name]
            break
    if not loaded:
        raise ImportError(
            "tba.LightningCallback needs lightning or pytorch_lightning, which are not installed: "
            "pip install lightning"
        )
    return tuple(sys.modules[name].Callback for name in loaded)


def __getattr__(name: str) -> Any:
    if name == "LightningCallback":
        return _made(_bases())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
