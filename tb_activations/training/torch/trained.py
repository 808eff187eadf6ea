"""What a trainer's callback does, whichever trainer it is of.

It is told when training begins, of every step and of every epoch, and hands on to a logger.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from tb_activations.record.options import Options
from tb_activations.training.attribution.wanted import EXAMPLES, wanted
from tb_activations.training.class_names import checked_names
from tb_activations.training.logger import ActivationsLogger
from tb_activations.training.recorder import MAX_BYTES_PER_UPDATE
from tb_activations.training.selection import Selection
from tb_activations.training.shapes import DataError
from tb_activations.training.torch.data import Scale
from tb_activations.training.torch.loaded import OneBatch
from tb_activations.training.torch.survey import how_of
from tb_activations.training.watched import Wishes

_LOOKS = 10  # steps between two looks at the loss, where a look waits for an accelerator


class Trained:
    """The arguments and the logger of a callback.

    Args:
      log_dir: the run's directory; None for that of the trainer's own TensorBoard writer.
      data: what the model is shown: as `ActivationsLogger` takes it, or a data set of single
        examples. None for what the trainer has: see the callbacks.
      model: what is watched: a module, or the name of one in the trained one, `"net.encoder"`;
        None for what is trained.
      update_freq: the trainer's steps from one record to the next, or "epoch". Steps are the
        trainer's own, of the optimizer: one for several batches whose gradients are accumulated.
        The first record is of what training starts with, the last of what it ends with.
      layers and all others: see `tba.ActivationsLogger`.

    Raises:
      ValueError, TypeError: a bad argument, here; a layer that the model does not have, or data
        that it does not take, when training begins.
    """

    def __init__(
        self,
        log_dir: Any = None,
        data: Any = None,
        layers: Any = None,
        *,
        model: Any = None,
        update_freq: int | str = 100,
        examples: str = "first",
        max_outputs: int | None = None,
        max_channels: int | None = None,
        max_bytes_per_update: int | None = MAX_BYTES_PER_UPDATE,
        precision: str = "auto",
        compression: int = 1,
        class_names: Sequence[str] | None = None,
        log_inputs: bool = True,
        receptive_fields: bool = True,
        data_format: Any = None,
        functions: bool = True,
        forward: Callable[[Any, Any], Any] | None = None,
        autocast: Any = None,
        input_scale: Any = None,
        attributions: Any = None,
        attribution_freq: int = 1,
        attribution_examples: int = EXAMPLES,
        verbose: int = 1,
    ) -> None:
        super().__init__()
        if not (model is None or isinstance(model, str | nn.Module)):
            raise TypeError(
                f"model is a {type(model).__name__}; it must be a torch.nn.Module, the name of "
                "one in the module that is trained, or None for that itself"
            )
        self.log_dir = log_dir
        self._data, self._layers, self._part = data, layers, model
        self._every = _steps(update_freq)
        self._options: dict[str, Any] = dict(
            examples=examples,
            max_outputs=max_outputs,
            max_channels=max_channels,
            max_bytes_per_update=max_bytes_per_update,
            precision=precision,
            compression=compression,
            class_names=class_names,
            log_inputs=log_inputs,
            receptive_fields=receptive_fields,
            data_format=data_format,
            functions=functions,
            forward=forward,
            autocast=autocast,
            input_scale=input_scale,
            attributions=attributions,
            attribution_freq=attribution_freq,
            attribution_examples=attribution_examples,
            verbose=verbose,
        )
        _check(layers, self._options)
        self._logger: ActivationsLogger | None = None
        self._watched: nn.Module | None = None
        self._losses: Any = None
        self._counted = -1

    def __getstate__(self) -> dict[str, Any]:
        """A copy, or what another process is sent, opens a log of its own."""
        return dict(vars(self), _logger=None, _watched=None, _losses=None)

    def flush(self) -> None:
        """Waits until everything that was logged so far is on disk."""
        if self._logger is not None:
            self._logger.flush()

    def _begin(self, log_dir: Any, model: nn.Module, data: Any, step: int, **found: Any) -> None:
        """The first record, of what training starts with; the next where it goes on.

        Args:
          found: options that the trainer knows, which hold where the user gave none.
        """
        self._losses, self._counted = None, step
        if self._logger is not None and self._watched is model:
            self._logger.record(step)
            return
        options = {**self._options}
        for name, value in found.items():
            options[name] = value if options[name] is None else options[name]
        where = self.log_dir if self.log_dir is not None else log_dir
        every = self._every or sys.maxsize

        def begun(shown: Any) -> ActivationsLogger:
            logger = ActivationsLogger(
                where, model, shown, self._layers, update_freq=every, **options
            )
            logger.record(step)
            return logger

        pair = data.as_pair() if isinstance(data, OneBatch) else None
        try:
            self._logger = begun(data)
        except DataError:
            if pair is None:
                raise
            self._logger = begun(pair)  # a dict that the trained module takes apart by itself
        self._watched = model

    def _stepped(self, step: int, loss: Any = None) -> None:
        """After every batch; those that moved the trainer's own step are counted."""
        self._add(loss)
        if self._logger is None or step == self._counted:
            return
        self._counted = step
        self._logger.step(step=step, loss=self._told(step))

    def _epoch_ended(self, step: int) -> None:
        if self._logger is not None and not self._every:
            self._logger.record(step)

    def _end(self, step: int | None = None) -> None:
        """The last record, where training came to its end; the log is closed.

        A later training opens it again.
        """
        if self._logger is not None:
            if step is not None:
                self._logger.record(step)
            self._logger.close()

    def _add(self, loss: Any) -> None:
        """To the sum of losses, which one that is not finite makes so too."""
        if isinstance(loss, torch.Tensor) and loss.numel() == 1:
            self._losses = loss.detach() + (0 if self._losses is None else self._losses)

    def _told(self, step: int) -> Any:
        """The sum of losses, now and then where reading it waits for an accelerator."""
        total = self._losses
        if total is None or (total.device.type != "cpu" and step % _LOOKS):
            return None
        self._losses = None
        return total


def _steps(update_freq: Any) -> int:
    """Steps between two records, 0 for a record an epoch."""
    if update_freq == "epoch":
        return 0
    if isinstance(update_freq, int) and not isinstance(update_freq, bool) and update_freq > 0:
        return update_freq
    raise ValueError(
        f"update_freq is {update_freq!r}; it must be 'epoch' or a positive number of steps"
    )


def _check(layers: Any, options: dict[str, Any]) -> None:
    """Raises what the logger would, before training begins."""
    kept = 1 if options["max_outputs"] is None else options["max_outputs"]
    Options(kept, options["max_channels"], options["precision"], options["compression"])
    Selection(layers)
    checked_names(options["class_names"])
    Scale.of(options["input_scale"])
    asked = ("attributions", "attribution_freq", "attribution_examples")
    wanted(*(options[name] for name in asked), epochs=False)
    how_of(
        Wishes(
            data_format=options["data_format"],
            forward=options["forward"],
            autocast=options["autocast"],
        )
    )


def part_of(trained: nn.Module, asked: Any) -> nn.Module | None:
    """The module that is asked for; None where nothing is asked for.

    Raises:
      ValueError: there is no module of that name.
    """
    if asked is None or isinstance(asked, nn.Module):
        return asked
    try:
        return trained.get_submodule(asked.replace("/", "."))
    except AttributeError:
        names = ", ".join(repr(name) for name, _ in trained.named_children())
        raise ValueError(
            f"model is {asked!r}; the {type(trained).__name__} that is trained has {names}"
        ) from None


def uncached(context: Callable[[], Any]) -> Callable[[], Any]:
    """A trainer's precision context, as `autocast` takes it.

    Without the cache of autocast: weights that are cast while gradients are off would get none in
    a training step that finds them there.
    """

    @contextmanager
    def entered() -> Iterator[None]:
        with context():
            before = torch.is_autocast_cache_enabled()
            torch.set_autocast_cache_enabled(False)
            try:
                yield
            finally:
                torch.set_autocast_cache_enabled(before)

    return entered
