"""What a framework hands to a logger: one model, its data, and how records are made ready."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tb_activations.training.dry_run import LeftOut
from tb_activations.training.recorder import Recorder


@dataclass(frozen=True)
class Wishes:
    """What a logger is asked to see, beside how records are made.

    layers, class_names, examples: as `ActivationsLogger` takes them, like all others. log_inputs
    stands with the recorder.
    """

    layers: Any = None
    class_names: Sequence[str] | None = None
    examples: str = "first"
    data_format: Any = None
    functions: bool = True
    forward: Callable[[Any, Any], Any] | None = None
    autocast: Any = None
    input_scale: Any = None
    verbose: int = 1


class Watched(Protocol):
    """One model and the batch that it is shown.

    count: examples in the batch. runs: whether this process must run the pass; where many train
    together it may be that one alone does.
    """

    @property
    def count(self) -> int: ...

    @property
    def runs(self) -> bool: ...

    def left_out(self, kept: set[str]) -> list[LeftOut]:
        """All of a prepared model that is not among the names of `kept`, with reasons."""

    def prepare(self, recorder: Recorder) -> None:
        """Makes the recorder ready, once, and again where the model is built otherwise by now.

        Raises:
          ValueError, TypeError: see `Recorder.prepare`; what was asked for is not there.
        """
