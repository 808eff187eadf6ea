"""`ActivationsCallback`: logs the activations of a Keras model while `fit` trains it.

The training thread runs the model on the probe batch, slice by slice, and hands over what each
layer adds; a worker merges, encodes and appends. Steps count what is completed: epochs, or batches.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Sequence
from typing import Any

import keras

from tb_activations.eventfile.last_step import last_step
from tb_activations.record.options import Options
from tb_activations.training.batch import Batch, first_batch, leaves, mapped, slices, span
from tb_activations.training.byte_queue import ByteQueue
from tb_activations.training.keras.forward import build, check_model
from tb_activations.training.keras.passes import make_pass
from tb_activations.training.keras.survey import fixed_batch, loggable_inputs, surveyed
from tb_activations.training.keras.tensors import cut, targets, tensor
from tb_activations.training.labels import labels_of
from tb_activations.training.piece import Pass, Piece
from tb_activations.training.plan import LayerPlan, Plan, layer_plan, megabytes
from tb_activations.training.record_log import RecordLog
from tb_activations.training.selection import Entry, Selection
from tb_activations.training.update import Update

SLICE = 32  # examples that run at once
QUEUE_BYTES = 32 << 20
MAX_BYTES_PER_UPDATE = 16 << 20


class ActivationsCallback(keras.callbacks.Callback):
    """Logs what the layers of the model answer to one batch, as training goes on.

    Args:
      log_dir: the run's directory, as for `keras.callbacks.TensorBoard`; records are written to
        it, beside that callback's `train` and `validation`.
      data: what the model is shown: x, (x, y), a dict, a `tf.data.Dataset`, a generator or a Keras
        sequence, whose first batch is taken once and kept. y gives the labels.
      layers: a name, glob, layer object, layer class or predicate over layers, or a list of
        them; None for every layer whose values no other entry shows.
      update_freq: "epoch", "batch", or a number of batches.
      max_outputs: how many examples' values are kept, the first ones. Statistics are over all.
      max_channels: how many channels of a layer are kept, evenly spread; None for all.
      max_bytes_per_update: what one update may write. Where the layers take more, all are kept,
        with fewer examples and channels each. None for no limit.
      precision: "float16" or "float32", see `tba.activations`.
      compression: 0 (none) to 9.
      class_names: what the integers in y are called.
      log_inputs: whether the inputs are logged too, once, as tags of kind "input".
      verbose: 0 for no word about what will be written.

    Steps: the first record is of the model as `fit` finds it, at the epoch that `fit` starts with
    (0, or its `initial_epoch`), and every later one of as many epochs as are completed. With
    batches, steps are the optimizer's iterations at the start plus the batches since then.

    Raises:
      ValueError, TypeError: a bad argument, here; a layer that the model does not have, or that
        cannot be logged, before the first step of training.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        data: Any,
        layers: Any = None,
        *,
        update_freq: str | int = "epoch",
        max_outputs: int = 4,
        max_channels: int | None = None,
        max_bytes_per_update: int | None = MAX_BYTES_PER_UPDATE,
        precision: str = "float16",
        compression: int = 1,
        class_names: Sequence[str] | None = None,
        log_inputs: bool = True,
        verbose: int = 1,
    ) -> None:
        super().__init__()
        self._options = Options(max_outputs, max_channels, precision, compression)
        if max_bytes_per_update is not None and max_bytes_per_update < 1:
            raise ValueError(
                f"max_bytes_per_update is {max_bytes_per_update!r}; it must be a positive number "
                "of bytes, or None"
            )
        self.log_dir = os.fspath(log_dir)
        self._selection = Selection(layers)
        self._every = _batches(update_freq)
        self._batch = first_batch(data)
        self._labels = labels_of(targets(self._batch.labels), len(self._batch), class_names)
        self._budget = max_bytes_per_update
        self._log_inputs = log_inputs
        self._verbose = verbose
        self._queue = ByteQueue(QUEUE_BYTES)
        self._log = RecordLog(self.log_dir)
        self._pass: Pass | None = None
        self._plan: Plan | None = None
        self._watched: Any = None
        self._inputs_due = log_inputs
        self._step: int | None = None  # the last that was logged
        self._epochs: int | None = None  # completed, in all calls of fit
        self._done = 0  # batches, counted on from the optimizer's iterations
        self._before_epoch = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        model = self.model
        self._prepare(model)
        if self._every:
            self._done = self._before_epoch = max(_iterations(model), self._done)
            if self._step is None:
                self._start(self._done)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._before_epoch = self._done
        if self._epochs is None:
            self._epochs = epoch
            if not self._every:
                self._start(epoch)
        self._epochs = max(self._epochs, epoch)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if not self._every:
            return
        before, self._done = self._done, self._before_epoch + batch + 1
        if self._done // self._every > before // self._every:
            self._update(self._done)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._epochs = (self._epochs or 0) + 1
        if not self._every:
            self._update(self._epochs)

    def on_train_end(self, logs: dict | None = None) -> None:
        self._queue.close()
        self._log.close()
        self._warn()

    def flush(self) -> None:
        """Waits until everything that was logged so far is on disk."""
        self._queue.drain()
        self._warn()

    def _prepare(self, model: Any) -> None:
        """Finds the layers, plans what to keep of them, and says so."""
        if self._watched is model:
            return
        check_model(model)
        inputs = mapped(tensor, self._first_slice(model))
        build(model, inputs)
        entries = surveyed(model, inputs, self._selection)
        full = Plan(
            tuple(self._layer_plan(entry, shape) for entry, shape in entries),
            min(self._options.max_outputs, len(self._batch)),
            self._options.precision,
        )
        self._plan = full.within(self._budget)
        self._say(full, self._plan)
        self._pass = make_pass(model, self._plan.layers, inputs)
        self._watched = model

    def _first_slice(self, model: Any) -> Any:
        return next(slices(self._inputs(model), fixed_batch(model) or SLICE, cut))

    def _inputs(self, model: Any) -> Any:
        """The batch; whole slices of it where the model takes one size of batch alone."""
        size = fixed_batch(model)
        if size is None or len(self._batch) % size == 0:
            return self._batch.inputs
        if len(self._batch) < size:
            raise ValueError(
                f"data holds {len(self._batch)} examples; the model takes batches of {size}"
            )
        whole = len(self._batch) // size * size
        return span(self._batch.inputs, 0, whole, cut)

    def _layer_plan(self, entry: Entry, shape: tuple[int, ...]) -> LayerPlan:
        order = entry.order + (len(leaves(self._batch.inputs)) if self._log_inputs else 0)
        return layer_plan(
            entry.name, order, shape, entry.channels_first, self._options.max_channels
        )

    def _say(self, full: Plan, plan: Plan) -> None:
        """What each update will write, and what it leaves out."""
        if self._verbose:
            print(f"Activations: each update writes {plan.describe()}, to {self.log_dir}")
        lowered = plan.lowered_from(full)
        if lowered and self._verbose:
            print(
                f"Activations: to stay within max_bytes_per_update={self._budget:,}, it keeps "
                f"{lowered}"
            )
        if self._budget is not None and plan.bytes > self._budget:
            warnings.warn(
                f"even one example and one channel of each of {len(plan.layers)} layers take "
                f"{megabytes(plan.bytes)} an update, more than max_bytes_per_update="
                f"{self._budget:,}: choose fewer layers",
                stacklevel=2,
            )

    def _start(self, step: int) -> None:
        """The first record, of the model as it is before training."""
        held = last_step(self.log_dir)
        if held is not None and held > step:
            count = "the optimizer's iterations" if self._every else f"initial_epoch={held}"
            warnings.warn(
                f"{self.log_dir} already holds activations up to step {held}, and this training "
                f"starts at step {step}, which hides the later ones: pass initial_epoch to fit "
                f"to continue ({count}), or choose another log_dir",
                stacklevel=2,
            )
        self._run(step)

    def _update(self, step: int) -> None:
        """A later record. What fails now was not knowable before: it does not stop training."""
        try:
            self._run(step)
        except Exception as e:
            self._log.complain(f"the activations of step {step} could not be computed: {e}")
        self._warn()

    def _run(self, step: int) -> None:
        """Runs the probe and hands over what it shows."""
        assert self._pass is not None and self._plan is not None
        model = self.model
        update = Update(self._plan, step, self._options, self._unclaimed_labels(), self._log)
        if not _writes(model):
            update.discard()
        if self._inputs_due:
            self._hand_over_inputs(update)
        inputs, left = self._inputs(model), self._plan.examples
        for piece in slices(inputs, fixed_batch(model) or SLICE, cut):
            count = len(Batch(piece))
            take = functools.partial(self._hand_over, update)
            self._pass(mapped(tensor, piece), min(left, count), take)
            left -= min(left, count)
        self._queue.put(functools.partial(update.guarded, update.finish), 0)
        self._step = step

    def _hand_over(self, update: Update, name: str, piece: Piece) -> None:
        task = functools.partial(update.add, name, piece)
        self._queue.put(functools.partial(update.guarded, task), piece.nbytes)

    def _hand_over_inputs(self, update: Update) -> None:
        assert self._plan is not None
        for order, (name, array) in enumerate(loggable_inputs(self._batch.inputs)):
            labels = self._labels
            task = functools.partial(update.add_input, (name, "input", order), array, labels)
            self._queue.put(functools.partial(update.guarded, task), 0)
        self._inputs_due = False

    def _unclaimed_labels(self) -> list[str] | None:
        """Labels stand with the inputs; with the layers where no input is logged."""
        if self._log_inputs and loggable_inputs(self._batch.inputs):
            return None
        return self._labels

    def _warn(self) -> None:
        complaint = self._log.take_complaint()
        if complaint:
            warnings.warn(complaint, stacklevel=3)


def _batches(update_freq: str | int) -> int:
    """The number of batches between updates, 0 for an update an epoch."""
    if update_freq == "epoch":
        return 0
    if update_freq == "batch":
        return 1
    if isinstance(update_freq, int) and not isinstance(update_freq, bool) and update_freq > 0:
        return update_freq
    raise ValueError(
        f"update_freq is {update_freq!r}; it must be 'epoch', 'batch' or a positive number of "
        "batches"
    )


def _iterations(model: Any) -> int:
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return 0
    return int(keras.ops.convert_to_numpy(optimizer.iterations))


def _writes(model: Any) -> bool:
    """Whether this process is the one that writes, where many train together."""
    strategy = getattr(model, "distribute_strategy", None)
    return bool(getattr(getattr(strategy, "extended", None), "should_save_summary", True))
