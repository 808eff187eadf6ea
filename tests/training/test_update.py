"""One update: layers become float32 as far as the bytes that were promised allow."""

from __future__ import annotations

import numpy as np
import pytest

from tb_activations.record import Blob, Options, parse_header
from tb_activations.training.piece import ValuesPiece
from tb_activations.training.plan import Plan, layer_plan
from tb_activations.training.update import Update

VALUES = (1e6 + np.random.default_rng(0).normal(size=(2, 10, 10, 5))).astype(np.float32)


class Log:
    """Takes records instead of a file."""

    def __init__(self) -> None:
        self.dtypes: list[str] = []

    def write(self, tag, blobs, step, wall_time):
        self.dtypes.append(parse_header(blobs[Blob.HEADER]).dtype)

    def complain(self, sentence):
        raise AssertionError(sentence)


@pytest.mark.parametrize(("budget", "wide"), [(None, 3), (10**6, 3), (12_000, 2), (0, 0)])
def test_float32_stays_within_the_budget(budget, wide):
    """The first layers that need it are float32 while there is room, the others float16."""
    layers = tuple(layer_plan(str(i), i, VALUES.shape, False, None) for i in range(3))
    plan = Plan(layers, 2, "auto")
    assert plan.bytes == Plan(layers, 2, "float16").bytes
    log = Log()
    limit = None if budget is None else budget and max(budget, plan.bytes + 4000)
    update = Update(plan, 1, Options(), None, log, limit)
    for layer in layers:
        update.add(layer.name, ValuesPiece(2, 2, VALUES))
    update.finish()
    assert log.dtypes == ["float32"] * wide + ["float16"] * (3 - wide)
