"""`TransformersCallback`, for the `Trainer` of Hugging Face's transformers, made when asked for.

transformers is not imported before.
"""

from __future__ import annotations

import functools
import math
import os
import socket
from pathlib import Path
from typing import Any

from tb_activations.eventfile.writer import event_files
from tb_activations.training.torch.loaded import is_dataset, of_examples, one_batch
from tb_activations.training.torch.state import random_numbers
from tb_activations.training.torch.trained import Trained, part_of

_SHOWN = "eval_dataloader", "train_dataloader"  # those of the trainer, the first one there is


class _Hooks(Trained):
    """Logs the activations of what the `Trainer` of transformers trains.

        trainer = Trainer(model, args, …, callbacks=[tba.TransformersCallback(data=eval_dataset)])

    Args:
      log_dir: the run's directory; None for that of the trainer's own TensorBoard callback, below
        `args.output_dir`.
      data: what the model is shown: a data set of examples as the trainer is given it, which the
        trainer's collator puts together, the first 64 at most; or what `tba.ActivationsLogger`
        takes. None for the evaluation loader where the trainer shows it to callbacks, which it
        does once it has evaluated, else for the first examples of the training data.
      layers: a name, glob, module, class or predicate over modules, or a list of them; None for
        every one whose values no other shows.
      model: what is watched: a module, or the name of one in the model, `"vit.encoder"`; None for
        the model.
      update_freq: how many of `state.global_step` lie between two records, or "epoch".
      class_names: None for the names in `features` of the data, or `id2label` of the model.
      input_scale: None for mean and deviation of the trainer's image processor.

    All others are those of `tba.ActivationsLogger`. Steps are `state.global_step`: one for the
    batches whose gradients are accumulated, on from where a checkpoint stands. The first record is
    of the model as training begins, the last as it ends. Where several processes train, the first
    one writes.

    Raises:
      ValueError, TypeError: a bad argument, here; a layer that the model does not have, or data
        that it does not take, when training begins.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **held: Any) -> None:
        model = held["model"]
        with random_numbers(model):
            self._begin(
                _log_dir(args),
                part_of(model, self._part) or model,
                self._shown(held),
                state.global_step,
                input_scale=_scale_of(held.get("processing_class")),
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **held: Any) -> None:
        self._stepped(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **held: Any) -> None:
        loss = (logs or {}).get("loss")
        if self._logger is not None and isinstance(loss, float) and not math.isfinite(loss):
            self._logger.step(step=state.global_step, loss=loss)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **held: Any) -> None:
        self._epoch_ended(state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **held: Any) -> None:
        self._end(state.global_step)

    def _shown(self, held: dict[str, Any]) -> Any:
        if self._data is None:
            loader = next(held[name] for name in _SHOWN if held.get(name) is not None)
            return one_batch(loader)
        if not is_dataset(self._data):
            return self._data
        train = held.get("train_dataloader")
        collate = getattr(train, "collate_fn", None)
        return of_examples(_Columns(self._data, getattr(train, "dataset", None)), collate=collate)


class _Columns:
    """A data set with the columns of another, as the trainer leaves those that the model takes."""

    def __init__(self, dataset: Any, like: Any) -> None:
        self._dataset = dataset
        self._columns = getattr(like, "column_names", None)
        self.features = getattr(dataset, "features", None)
        self.classes = getattr(dataset, "classes", None)

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, at: int) -> Any:
        example = self._dataset[at]
        if self._columns is None or not isinstance(example, dict):
            return example
        return {key: value for key, value in example.items() if key in self._columns}


def _log_dir(args: Any) -> str:
    """Where the trainer's own callback has opened a file; below the output directory else."""
    given = os.environ.get("TENSORBOARD_LOGGING_DIR") or getattr(args, "logging_dir", None)
    if given:
        return os.path.expanduser(given)
    runs = Path(args.output_dir, "runs")
    mine = f".{socket.gethostname()}.{os.getpid()}."
    opened = [path for path in runs.rglob("*") if path.is_dir() and _is_of(str(path), mine)]
    newest = max(opened, key=lambda path: path.stat().st_mtime, default=runs / "activations")
    return str(newest)


def _is_of(directory: str, process: str) -> bool:
    """Whether this process has an event file there."""
    return any(process in name for name in event_files(directory))


def _scale_of(processor: Any) -> tuple[Any, Any] | None:
    """Mean and deviation that an image processor, or that of a processor, takes away."""
    processor = getattr(processor, "image_processor", processor)
    mean, std = (getattr(processor, name, None) for name in ("image_mean", "image_std"))
    if mean is None or std is None or not getattr(processor, "do_normalize", True):
        return None
    return mean, std


@functools.cache
def _made(base: type) -> type:
    return type(
        "TransformersCallback", (_Hooks, base), {"__doc__": _Hooks.__doc__, "__module__": __name__}
    )


def __getattr__(name: str) -> Any:
    if name != "TransformersCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from transformers import TrainerCallback
    except ModuleNotFoundError as e:
        if e.name != "transformers":
            raise
        raise ImportError(
            "tba.TransformersCallback needs transformers, which is not installed: "
            "pip install transformers accelerate"
        ) from None
    return _made(TrainerCallback)
