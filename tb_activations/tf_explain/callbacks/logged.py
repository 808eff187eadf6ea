"""What tf-explain's callbacks have in common here: `ActivationsCallback` in a directory by time."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from tb_activations.tf_explain.said import say
from tb_activations.training.attribution.methods import AttributionMethod
from tb_activations.training.keras.callback import ActivationsCallback

EXAMPLES = 16  # that are kept, at most

Directory = str | os.PathLike[str]


def by_time(output_dir: Directory) -> Path:
    """A directory of its own for each callback, made at once."""
    while True:
        path = Path(output_dir) / datetime.now().strftime("%Y%m%d-%H%M%S.%f")
        try:
            path.mkdir(parents=True)
            return path
        except FileExistsError:
            time.sleep(1e-5)


class Logged(ActivationsCallback):
    """Logs into a directory by time below `output_dir`."""

    def __init__(self, validation_data: Any, output_dir: Directory, method: str, **options: Any):
        directory = by_time(output_dir)
        kept = min(EXAMPLES, len(validation_data[0]))
        super().__init__(directory, tuple(validation_data), max_outputs=kept, **options)
        self.output_dir = directory
        self.validation_data = validation_data
        say(method)


class LoggedMaps(Logged):
    """Logs the maps of one method for one class, and the layers beside."""

    def __init__(
        self, validation_data: Any, class_index: int, output_dir: Directory, method: str,
        layer: str | None = None, **options: Any,
    ):  # fmt: skip
        asked = AttributionMethod(method, target=class_index, layer=layer, **options)
        count = min(EXAMPLES, len(validation_data[0]))
        super().__init__(validation_data, output_dir, method, layers=layer, attributions=[asked],
                         attribution_examples=count)  # fmt: skip
        self.class_index = class_index
