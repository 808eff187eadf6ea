"""Models as guides and reports write them: what the callback logs is what they compute."""

from __future__ import annotations

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from logs import logged_values

import tb_activations as tba

pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("each train_step is written in TensorFlow", allow_module_level=True)
import guide_zoo

PAGE = Path(__file__).parents[3] / "docs" / "model_kinds.md"
HEADING, NEXT = "## As guides and reports write them\n\n", "\n## "
HEAD = "| Kind of model | Asked for | Entries that the callback logs |\n|---|---|---|\n"
ROWS: dict[str, str] = {}


@pytest.mark.parametrize("title", guide_zoo.KINDS)
def test_what_is_logged_is_what_the_model_computes(title, tmp_path):
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    kind = guide_zoo.KINDS[title]()
    every = len(next(iter(keras.tree.flatten(kind.data))))
    options = dict(max_outputs=every, log_inputs=False, receptive_fields=False, verbose=0)
    watch = tba.ActivationsCallback(
        tmp_path, kind.data, kind.layers, model=kind.watched, precision="float32", **options
    )
    watch.set_model(kind.model)
    watch.on_train_begin()
    watch.on_epoch_begin(0)
    watch.on_train_end()
    logged, right = logged_values(tmp_path), tba.capture(kind.shown, kind.data, kind.layers)
    assert list(logged) == kind.names
    for name, value in logged.items():
        close = [
            np.allclose(value, one, rtol=1e-3, atol=1e-4) for one in laid_out(right[name], value)
        ]
        assert any(close), name
    shown = [f"`{name}` {list(value.shape)}" for name, value in logged.items()]
    ROWS[title] = f"| {title} | {asked(kind)} | {', '.join(shown)} |"


def laid_out(values, like):
    """What the layer returned as the record may hold it: channels last, and a row an example."""
    n, every = len(like), [values]
    if len(values) != n:
        rows = len(values) // n
        apart = values.reshape(rows, n, *values.shape[1:]).swapaxes(0, 1)
        every = [values.reshape(n, rows, *values.shape[1:]), apart]
    every += [np.moveaxis(one, axis, -1) for one in every for axis in range(1, one.ndim)]
    return [one for one in every if one.shape == like.shape]


def asked(kind):
    if kind.layers is not None:
        return f"`layers={kind.layers}`"
    return "`data` alone" if kind.watched is None else f'`model="{kind.watched}"`'


@pytest.fixture(scope="module", autouse=True)
def table():
    """Writes the table of these kinds, or compares it with the one in docs/."""
    yield
    if set(ROWS) != set(guide_zoo.KINDS):
        return
    text = HEAD + "\n".join(ROWS[title] for title in guide_zoo.KINDS) + "\n"
    before, heading, rest = PAGE.read_text(encoding="utf-8").partition(HEADING)
    held, following, figures = rest.partition(NEXT)
    if os.environ.get("TBA_WRITE_TABLES"):
        PAGE.write_text(before + HEADING + text + following + figures, encoding="utf-8")
    else:
        assert heading and held == text, f"{PAGE} is stale: TBA_WRITE_TABLES=1"
