"""Layers with several rows an example are logged; what cannot be is named, with the reason."""

from __future__ import annotations

import keras
import model_zoo
import numpy as np
import pytest
from keras import layers as L
from keras import ops
from training.keras.test_callback import quiet, read

import tb_activations as tba


class Own(keras.Model):
    """Runs `self.run(x)`; its layers are handed in, by name."""

    def __init__(self, run, **held):
        super().__init__(name="own")
        self.run = run
        for name, layer in held.items():
            setattr(self, name, layer)

    def call(self, x):
        return self.run(self, x)


def video(n=6, **conv):
    """Frames folded into the batch: an example's rows are neighbours."""

    def run(model, v):
        frames = model.conv(ops.reshape(v, (-1, *v.shape[2:])))
        return model.head(ops.reshape(frames, (-1, v.shape[1], int(np.prod(frames.shape[1:])))))

    conv = L.Conv2D(4, 3, padding="same", name="frame_conv", **conv)
    return Own(run, conv=conv, head=L.Dense(2, name="head")), model_zoo.real(n, 3, 8, 8, 3)


def windows():
    """Attention within windows of 4 x 4, as Swin's: rows `[n · 4, 16, c]`, scores per head."""

    def run(model, x):
        x = ops.reshape(x, (-1, 2, 4, 2, 4, 6))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 16, 6))
        return model.head(ops.reshape(model.mha(x, x), (-1, 4 * 16 * 6)))

    mha = L.MultiHeadAttention(2, 3, name="mha")
    return Own(run, mha=mha, head=L.Dense(2, name="head")), model_zoo.real(5, 8, 8, 6)


def views(n=5):
    """Two views one after the other, as SimCLR's: an example's rows are n apart."""

    def run(model, x):
        both = model.project(ops.concatenate([x, -x], axis=0))
        a, b = ops.split(both, 2, axis=0)
        return model.head(a * b)

    held = {"project": L.Dense(3, name="project"), "head": L.Dense(2, name="head")}
    return Own(run, **held), model_zoo.real(n, 6)


def logged(tmp_path, model, x, *args, **options):
    """What is on disk after an epoch, and what `capture` shows then."""
    model.compile("sgd", lambda y, y_pred: ops.mean(ops.abs(y_pred)))
    options = {"precision": "float32", "receptive_fields": False, **options}
    callback = quiet(tmp_path, x, *args, max_outputs=len(x), **options)
    model.fit(x, np.zeros(len(x)), verbose=0, callbacks=[callback])
    log = read(tmp_path)
    steps = {tag: records[1] for tag, records in log.items() if 1 in records}
    return steps, tba.capture(model, x)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="graphs are TensorFlow's")
@pytest.mark.parametrize("make", [video, windows, views])
def test_the_graph_unfolds_slices_of_every_size(make):
    from tb_activations.training.batch import mapped
    from tb_activations.training.keras.forward import build
    from tb_activations.training.keras.graph_pass import GraphPass
    from tb_activations.training.keras.passes import make_pass
    from tb_activations.training.keras.survey import surveyed
    from tb_activations.training.keras.tensors import tensor
    from tb_activations.training.plan import layer_plan
    from tb_activations.training.selection import Selection

    model, x = make()
    inputs = mapped(tensor, x)
    build(model, inputs)
    plans = tuple(
        layer_plan(entry.name, entry.order, shape, entry.channels_first, None, entry.fold)
        for entry, shape in surveyed(model, inputs, Selection(None))
    )
    run = make_pass(model, plans, inputs)
    assert isinstance(run, GraphPass) and any(plan.fold for plan in plans)
    for n in (4, 3):
        pieces = {}
        run(inputs[:n], n, pieces.__setitem__)
        shapes = {plan.name: pieces[plan.name].kept_values(plan).shape for plan in plans}
        assert shapes == {plan.name: (n, *plan.shape) for plan in plans}


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("n", [6, 40, 1])
def test_frames_in_the_batch_are_the_positions_of_their_example(tmp_path, n):
    """Also in slices, and where there is one example alone."""
    log, values = logged(tmp_path, *video(n))
    assert list(log) == ["frame_conv", "head"]
    header, stored, statistics, _ = log["frame_conv"]
    assert values["frame_conv"].shape == (n * 3, 8, 8, 4) and header.batch == n
    close(stored, values["frame_conv"].reshape(n, 3, 8, 8, 4))
    close(statistics[:, 2], values["frame_conv"].mean(axis=(0, 1, 2)))


def test_windows_of_attention_and_their_scores(tmp_path):
    log, values = logged(tmp_path, *windows())
    close(log["mha/query"][1].reshape(5, 4, 16, 2, 3), values["mha/query"].reshape(5, 4, 16, 2, 3))
    scores = values["mha/attention_scores"].reshape(5, 4, 2, 16, 16)
    close(log["mha/attention_scores"][1], np.moveaxis(scores, 2, -1))


@pytest.mark.parametrize("n", [5, 1])
def test_views_after_one_another_are_told_from_neighbours(tmp_path, n):
    log, values = logged(tmp_path, *views(n))
    close(log["project"][1], values["project"].reshape(2, n, 3).swapaxes(0, 1))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="runs in eager execution")
def test_a_plain_pass_unfolds_as_the_graph_does(tmp_path):
    model, x = video(4)
    inner = model.run

    def run(model, v):
        return inner(model, v * float(np.sum(v.numpy()) > -1e9))

    model.run = run
    model.compile("sgd", lambda y, y_pred: ops.mean(y_pred), run_eagerly=True)
    callback = quiet(tmp_path, x, "frame_conv", precision="float32")
    model.fit(x, np.zeros(4), verbose=0, callbacks=[callback])
    values = tba.capture(model, x)["frame_conv"]
    close(read(tmp_path)["frame_conv"][1][1], values.reshape(4, 3, 8, 8, 4))


class Position(L.Layer):
    def build(self, shape):
        self.table = self.add_weight(shape=(4, 6), name="table")

    def call(self, x):
        return self.table + 0


class Spectrum(L.Layer):
    def call(self, x):
        return ops.view_as_complex(ops.stack([x, x], axis=-1))


class Mixed(L.Layer):
    """k rows an example, each of which depends on all examples."""

    def call(self, x):
        return ops.concatenate([x, x], axis=0) - ops.mean(x, axis=0)


def odd(*layers):
    held = {f"layer{i}": layer for i, layer in enumerate(layers)}

    def run(model, x):
        for name in held:
            getattr(model, name)(x)
        return model.head(x)

    return Own(run, **held, head=L.Dense(2, name="head"))


def test_what_is_left_out_is_named_once_with_the_reason(tmp_path, capsys):
    model = odd(Position(name="pos"), Spectrum(name="fft"), Mixed(name="mixed"))
    log, _ = logged(tmp_path, model, model_zoo.real(5, 6), verbose=1)
    assert list(log) == ["head"]
    said = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    assert len(said) == 1
    assert "'pos': it returns 4 rows whatever the number of examples" in said[0]
    assert "'fft': " in said[0] and "complex64" in said[0]
    assert "'mixed': its rows change with the other examples" in said[0]


def test_rows_with_more_axes_than_a_record_has_are_named(tmp_path, capsys):
    class Volumes(L.Layer):
        def call(self, x):
            return ops.reshape(ops.concatenate([x, x], axis=-1), (-1, 2, 3, 1, 1))

    logged(tmp_path, odd(Volumes(name="volumes")), model_zoo.real(3, 6), verbose=1)
    assert "'volumes': 2 rows an example of 4 axes are more" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("layer", "why"), [(Position, "4 rows whatever"), (Spectrum, "complex64"), (Mixed, "change")]
)
def test_what_was_asked_for_and_cannot_be_logged_is_refused(tmp_path, layer, why):
    with pytest.raises(ValueError, match=f"layer 'odd' cannot be logged: .*{why}"):
        logged(tmp_path, odd(layer(name="odd")), model_zoo.real(5, 6), "odd")


def test_nothing_to_log_says_why(tmp_path):
    layer = keras.Sequential([keras.Input((6,)), Spectrum(name="fft")])
    with pytest.raises(ValueError, match="no layer whose output can be logged; 'fft': "):
        logged(tmp_path, layer, model_zoo.real(5, 6))
