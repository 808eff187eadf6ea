"""`ActivationsCallback`: logs the activations of a Keras model while `fit` trains it.

It hooks into `fit` and counts what is completed, epochs or batches; a `Recorder` does the rest.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras

from tb_activations.record.options import Options
from tb_activations.training.attribution.wanted import EXAMPLES, wanted
from tb_activations.training.keras.changes import traits
from tb_activations.training.keras.copied import Copied
from tb_activations.training.keras.forward import check_model
from tb_activations.training.keras.kind import check_version
from tb_activations.training.keras.order import Order
from tb_activations.training.keras.prepare import prepare, warn_of_another
from tb_activations.training.keras.steps import Steps, nonfinite_loss
from tb_activations.training.keras.subject import Subject
from tb_activations.training.progress import telling
from tb_activations.training.recorder import MAX_BYTES_PER_UPDATE, Recorder
from tb_activations.training.selection import Selection
from tb_activations.training.traits import same_traits

_KEPT = 4  # examples whose values are kept, of the first ones
_CONTINUE = "pass initial_epoch to fit to continue"


class ActivationsCallback(Copied, keras.callbacks.Callback):
    """Logs what the layers of the model answer to one batch, as training goes on.

    Args:
      log_dir: the run's directory, as for `keras.callbacks.TensorBoard`; records are written to
        it, beside that callback's `train` and `validation`.
      data: what the model is shown: x, (x, y), a dict, a `tf.data.Dataset`, a generator or a Keras
        sequence, whose first batch is taken once and kept. y gives the labels.
      layers: a name, glob, layer object, layer class or predicate over layers, or a list of
        them; None for every layer whose values no other entry shows.
      model: what to watch; None for the model that `fit` trains. A model or layer, such as the
        generator of a GAN whose `train_step` calls it; the name of an attribute of the model that
        is trained, which holds one; or a dict of these by name, `{"generator": …,
        "discriminator": …}`, with data as a dict by the same names: their tags begin with the
        name, `generator/conv1`, and as many examples of each are shown as all have.
      update_freq: "epoch", "batch", or a number of batches.
      examples: "first", or "per class" for one example of each class, in the order of the
        classes, out of all of (x, y) or the first 64 batches of a dataset.
      max_outputs: how many examples' values are kept, the first ones; None for 4, or for one of
        each class. Statistics are over all.
      max_channels: how many channels of a layer are kept, evenly spread; None for all.
      max_bytes_per_update: what one update may write. Where the layers take more, all are kept,
        with fewer examples and channels each. None for no limit.
      precision: "auto", "float16" or "float32", see `tba.activations`.
      compression: 0 (none) to 9.
      class_names: what the integers in y are called; None for `data.class_names`, if it has them.
      log_inputs: whether the inputs are logged too, once, as tags of kind "input".
      receptive_fields: whether it is found, once, after the second record, which part of the input
        each position of a layer sees, for the box in the dashboard; the model runs some hundred
        examples for it.
      attributions: what the answer rests on is logged, too, as tags `attribution/…`: names of
        methods ("grad_cam", "integrated_gradients", …: those of `tba.attribute`) and
        `tba.AttributionMethod`, see docs/attribution.md. Explained is the label where y is a class
        for each example, else the class predicted at first, and so at every step;
        `AttributionMethod(…, target="predicted")` explains the class of each step.
      attribution_freq: "epoch": at the first record and at the end of each epoch; "update": at
        every update; or a number of updates.
      attribution_examples: how many are explained, the first ones, of those that are kept.
      verbose: 0 for no word about what will be written.

    Steps: the first record is of the model as `fit` finds it, at the epoch that `fit` starts with
    (0, or its `initial_epoch`), and every later one of as many epochs as are completed. With
    batches, steps are the optimizer's iterations; batches where `model.optimizer` is not what
    updates. At the first loss that is not finite one update is logged out of turn.

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
        model: Any = None,
        update_freq: str | int = "epoch",
        examples: str = "first",
        max_outputs: int | None = None,
        max_channels: int | None = None,
        max_bytes_per_update: int | None = MAX_BYTES_PER_UPDATE,
        precision: str = "auto",
        compression: int = 1,
        class_names: Sequence[str] | None = None,
        log_inputs: bool = True,
        receptive_fields: bool = True,
        attributions: Any = None,
        attribution_freq: str | int = "epoch",
        attribution_examples: int = EXAMPLES,
        verbose: int = 1,
    ) -> None:
        super().__init__()
        with telling("reading the first batch of the data", verbose):
            subject = Subject(model, data, class_names, examples)
        if max_outputs is None:
            max_outputs = _KEPT if examples == "first" else len(subject.batch)
        self._recorder = Recorder(
            log_dir,
            Options(max_outputs, max_channels, precision, compression),
            max_bytes_per_update=max_bytes_per_update,
            log_inputs=log_inputs,
            receptive_fields=receptive_fields,
            attributions=wanted(attributions, attribution_freq, attribution_examples),
            verbose=verbose,
        )
        self.log_dir = self._recorder.log_dir
        self._verbose = verbose
        self._selection = Selection(layers)
        self._every = _batches(update_freq)
        self._subject = subject
        self._order = Order()
        self._watched: Any = None
        self._traits: list[Any] = []
        self._epochs: int | None = None  # completed, in all calls of fit
        self._steps = Steps(self._every)
        self._fresh = True  # no epoch of this fit has begun
        self._broken = False  # its loss has not been finite

    def set_model(self, model: Any) -> None:
        check_version(model)
        super().set_model(model)

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._order.begin_training()
        self._prepare(self.model)
        self._steps = Steps(self._every, self._steps.done)  # its own, where this is a copy
        self._fresh, self._broken = True, False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Other callbacks have restored by now what they restore at the start of training."""
        self._order.begin_epoch()
        if self._every:
            self._begin_steps()
        elif self._epochs is None:
            self._recorder.start(epoch, _CONTINUE + " (initial_epoch={held})")
        self._epochs = max(self._epochs or 0, epoch)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._every:
            self._count(batch)
        complaint = None if self._broken else nonfinite_loss(logs)
        if complaint:
            self._broken = True
            self._record_out_of_turn(complaint)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        first = self._epochs is None
        if self._order.catch_up(self, epoch + 1 if first else self._epochs or 0) and first:
            return
        self._epochs = (self._epochs or 0) + 1
        if not self._every and self._recorder.step != self._epochs:
            self._update(self._epochs)
        self._explain_epoch(self._epochs)

    def on_train_end(self, logs: dict | None = None) -> None:
        self._order.end_training()
        self._recorder.close()

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._order.warn_alone("evaluate")

    def on_predict_begin(self, logs: dict | None = None) -> None:
        self._order.warn_alone("predict")

    def flush(self) -> None:
        """Waits until everything that was logged so far is on disk."""
        self._recorder.flush()

    def _update(self, step: int) -> None:
        _ = self.model  # on JAX, Keras puts the weights of now into the model when it is asked for
        self._recorder.update(step)

    def _explain_epoch(self, epochs: int) -> None:
        if self._recorder.explains_epochs:
            step = self._steps.reached(self.model) if self._every else epochs
            self._recorder.end_epoch(step)

    def _count(self, batch: int) -> None:
        """A batch more; the first of a loop that called no hook before is its start."""
        first, before = self._recorder.step is None, self._steps.done
        late = self._order.catch_up(self, self._epochs or 0, batch)
        if late:
            self._steps.begin_late(self.model, batch, first)
            if first:
                return
        if self._steps.due(self, batch) or (late and self._steps.passed(before)):
            self._update(self._steps.done)

    def _begin_steps(self) -> None:
        if not self._fresh:
            self._steps.begin_epoch(self.model)
            return
        self._fresh = False
        self._steps.begin_fit(self.model)
        if self._recorder.step is None:
            self._recorder.start(self._steps.done, f"{_CONTINUE} (the optimizer's iterations)")

    def _record_out_of_turn(self, complaint: str) -> None:
        """One update at the first loss that is not finite, nearest to where it arose.

        With an update an epoch it is the record of the epoch that is under way, whose end would
        show what became of it.
        """
        step = self._steps.reached(self.model) if self._every else (self._epochs or 0) + 1
        if self._verbose:
            print(f"Activations: {complaint}: an update is logged out of turn, as step {step}")
        if step != self._recorder.step:
            self._update(step)

    def _prepare(self, trained: Any) -> None:
        """Finds the layers, and plans what to keep of them; again where the model has changed."""
        model = self._subject.model(trained)
        check_model(model)
        if self._watched is model and same_traits(self._traits, traits(model)):
            return
        if self._watched is not None and self._watched is not model:
            warn_of_another(self._recorder)
        prepare(self._recorder, self._subject, model, trained, self._selection, self._verbose)
        self._watched, self._traits = model, traits(model)


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
