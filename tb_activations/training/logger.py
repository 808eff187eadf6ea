"""`ActivationsLogger`: logs the activations of a model in any training loop."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Self

from tb_activations.record.options import Options
from tb_activations.training import frameworks
from tb_activations.training.attribution.wanted import EXAMPLES, wanted
from tb_activations.training.progress import telling
from tb_activations.training.recorder import MAX_BYTES_PER_UPDATE, Recorder
from tb_activations.training.watched import Watched, Wishes

_KEPT = 4  # examples whose values are kept, of the first ones
_CONTINUE = "pass the count on, logger.step(step={next})"


class ActivationsLogger:
    """Logs what the layers of a model answer to one batch, as a training loop of any kind goes on.

        logger = tba.ActivationsLogger("logs/run1", model, (x, y))
        for batch in loader:
            ...                       # forward, backward, optimizer.step()
            logger.step()             # or logger.step(step=n, loss=loss)
        logger.close()                # or `with tba.ActivationsLogger(…) as logger:`

    Nothing of the training moves: weights, buffers, gradients, the `training` of every module,
    random numbers, modes and compiled graphs are as they were, to the bit.

    Args:
      log_dir: the run's directory, or a `SummaryWriter` (torch's or tensorboardX's), in whose
        directory a file of ours then stands beside its own.
      model: an `nn.Module` of any kind, compiled, wrapped for several devices or prepared by
        Accelerate as it may be; or a Keras model on any backend.
      data: what the model is shown: x, (x, y), a dict of arguments by name, or a `DataLoader` or
        other stream, whose first batch is taken once and kept. Tensors or arrays, `[n, …]`; they
        are moved to the model's device. y, or `labels` in a dict, gives the labels. Where
        `forward` has several arguments without a default, (x1, x2) or (x1, x2, y) are those.
      layers: a name, glob, module, class or predicate over modules, or a list of them; None for
        every one whose values no other shows. Names are paths with slashes, `layer1/0/conv1`;
        dots are accepted. `*/add()` asks for a function by name, here each `x + y`.
      update_freq: how many steps lie between two records. 1 for a `step()` an epoch.
      examples: "first", or "per class" for one example of each class, in the order of the
        classes, out of all of (x, y) or the first 64 batches of a stream.
      max_outputs: how many examples' values are kept, the first ones; None for 4, or for one of
        each class. Statistics are over all.
      max_channels: how many channels of a layer are kept, evenly spread; None for all.
      max_bytes_per_update: what one update may write. Where the layers take more, all are kept,
        with fewer examples and channels each. None for no limit.
      precision: as `tba.activations` has it.
      compression: 0 (none) to 9.
      class_names: what the integers in y are called; None for the `classes` of the data set, or
        the `id2label` of a model of Hugging Face's.
      log_inputs: whether the inputs are logged too, once, as tags of kind "input".
      receptive_fields: whether it is found, once, after the second record, which part of the input
        each position of a layer sees, for the box in the dashboard; the model runs some hundred
        examples for it.
      data_format: "channels_first" or "channels_last" for all, or a dict of them by glob; None to
        tell it from the modules, and by following the channels through the functions between
        them. `input`, `input.0`, `input.key` are the inputs.
      functions: whether activations that are functions, `F.relu(x)`, have entries, `block/relu()`,
        and attention its scores.
      forward: `(model, x)` → anything: how the model is run, where that is not `model(x)`.
      autocast: a dtype, such as `torch.bfloat16`, or a function that returns a context, to run
        the pass in; None for what holds where `step` is called.
      input_scale: `(mean, std)` of a normalisation, numbers or one a channel, which is undone for
        the pictures of the inputs, and for nothing else.
      attributions, attribution_examples: what the answer rests on, as `ActivationsCallback` has
        it; not of a model that is sharded. attribution_freq: every so many records.
      verbose: 0 for no word about what will be written.

    data_format, functions, forward, autocast and input_scale are for PyTorch models alone.

    Steps: the first record is made at the first `step()`, under the step that it counts, 1, or is
    given; then at every multiple of `update_freq`, or the first step after it. Lazy modules have
    run by then. At the first loss that is not finite one record is made out of turn.

    Several processes: the one of rank 0 writes. Others need not run the pass, and do not, unless
    their model is sharded: then every rank must call `step`.

    Raises:
      ValueError, TypeError: a bad argument, here; a layer that the model does not have, or data
        that it does not take, at the first `step()`. Later, what fails warns once.
    """

    def __init__(
        self,
        log_dir: Any,
        model: Any,
        data: Any,
        layers: Any = None,
        *,
        update_freq: int = 100,
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
        self._every = _steps(update_freq)
        wishes = Wishes(
            layers,
            class_names,
            examples,
            data_format,
            functions,
            forward,
            autocast,
            input_scale,
            verbose,
        )
        with telling("reading the first batch of the data", verbose):
            self._watched: Watched = frameworks.watched(model, data, wishes)
        if max_outputs is None:
            max_outputs = _KEPT if examples == "first" else self._watched.count
        self._recorder = Recorder(
            directory_of(log_dir),
            Options(max_outputs, max_channels, precision, compression),
            max_bytes_per_update=max_bytes_per_update,
            log_inputs=log_inputs,
            receptive_fields=receptive_fields,
            attributions=wanted(attributions, attribution_freq, attribution_examples, epochs=False),
            verbose=verbose,
        )
        self.log_dir = self._recorder.log_dir
        self._verbose = verbose
        self._done: int | None = None  # the last step that was told of
        self._broken = False  # a loss has not been finite
        self._refused: str | None = None  # what was warned of while the model cannot be logged

    def step(self, *, step: int | None = None, loss: Any = None) -> None:
        """Tells of one more step, and records where it is due.

        Args:
          step: its number, from 0; None to count on from the last one, the first being 1.
          loss: a number, or a tensor of one, for whose value a GPU is then waited for. The first
            that is not finite is recorded out of turn, nearest to where it arose.

        Raises:
          TypeError, ValueError: a step that is no integer of at least 0; at the first, what
            cannot be logged of the model.
        """
        before = self._done
        now = (before or 0) + 1 if step is None else _checked(step)
        self._done = now
        if not self._watched.runs:
            return
        broke = not self._broken and _nonfinite(loss)
        if before is None or now // self._every != before // self._every:
            self._record(now)
        elif broke and self._verbose:
            print(f"Activations: loss is not finite: an update is logged out of turn, step {now}")
        if broke:
            self._broken = True
            if self._recorder.step != now:
                self._record(now)

    def record(self, step: int | None = None) -> None:
        """Records now, whether it is due or not.

        Args:
          step: as in `step`; None for the last one told of, 0 before the first.

        Raises: as `step` does.
        """
        now = (self._done or 0) if step is None else _checked(step)
        self._done = now
        if self._watched.runs and self._recorder.step != now:
            self._record(now)

    def flush(self) -> None:
        """Waits until everything that was logged so far is on disk."""
        self._recorder.flush()

    def close(self) -> None:
        """Flushes, and lets go of the file and the thread; a later step opens others.

        What was logged is on disk at the end of the program without it, too.
        """
        self._recorder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self, step: int) -> None:
        first = self._recorder.step is None
        if first:
            self._watched.prepare(self._recorder)
            self._recorder.start(step, _CONTINUE)
            return
        try:
            self._watched.prepare(self._recorder)
        except Exception as e:  # the model was built otherwise since, and cannot be logged now
            if str(e) != self._refused:  # else at each step, and each with a number of its own
                self._refused = str(e)
                text = f"the model cannot be logged as it is since step {step}: {e}"
                warnings.warn(text, stacklevel=3)
            return
        self._refused = None
        self._recorder.update(step)


def directory_of(log_dir: Any) -> Any:
    """The directory of a `SummaryWriter`; what is none stays as it is."""
    asked = getattr(log_dir, "get_logdir", None) or getattr(log_dir, "logdir", None)
    if asked is None or isinstance(log_dir, str | bytes | os.PathLike):
        return log_dir
    return asked() if callable(asked) else asked


def _steps(update_freq: Any) -> int:
    if isinstance(update_freq, int) and not isinstance(update_freq, bool) and update_freq > 0:
        return update_freq
    raise ValueError(
        f"update_freq is {update_freq!r}; it must be a positive number of steps: 1, with a step() "
        "an epoch, for a record an epoch"
    )


def _checked(step: Any) -> int:
    if isinstance(step, bool) or not hasattr(step, "__index__"):
        raise TypeError(f"step is {step!r}; it must be an integer of at least 0")
    if int(step) < 0:
        raise ValueError(f"step is {int(step)}; it must be 0 or more")
    return int(step)


def _nonfinite(loss: Any) -> bool:
    if loss is None:
        return False
    if hasattr(loss, "detach"):
        loss = loss.detach()
    try:
        return not math.isfinite(float(loss))
    except (TypeError, ValueError):
        kind = f"{type(loss).__name__} {tuple(getattr(loss, 'shape', ()))}".strip()
        raise TypeError(f"loss is a {kind}; it must be a single number") from None
