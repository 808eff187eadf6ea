"""The callback's pass shows what the plain forward pass shows: names, values, statistics, NaN."""

from __future__ import annotations

import inspect
import os

import keras
import model_zoo
import numpy as np
import pytest
from keras import layers as L

import tb_activations as tba
from benchmarks import first_step, model_kinds
from tb_activations.record.statistics import ChannelStatistics
from tb_activations.training.batch import as_inputs, mapped
from tb_activations.training.keras.forward import build
from tb_activations.training.keras.passes import PlainPass, make_pass, scouted_pass
from tb_activations.training.keras.private import unoptimised
from tb_activations.training.keras.rows import Rows
from tb_activations.training.keras.survey import surveyed
from tb_activations.training.keras.tensors import tensor
from tb_activations.training.piece import SumsPiece, ValuesPiece
from tb_activations.training.plan import layer_plan
from tb_activations.training.selection import Selection

tf = pytest.importorskip("tensorflow")
from tb_activations.training.keras import graph_pass  # noqa: E402
from tb_activations.training.keras.graph_pass import GraphPass  # noqa: E402

INSIDE = [
    "Functional with a residual connection",
    "channels_first convolution",
    "LSTM that returns its states",
    "Mixed precision bfloat16",
    "float64",
]

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="graphs are TensorFlow's"
)


def planned(found, plans):
    plans[:] = [
        layer_plan(e.name, e.order, shape, e.channels_first, None, e.fold) for e, shape in found
    ]
    return tuple(plans)


def prepared(model, x):
    inputs = mapped(tensor, as_inputs(x))
    build(model, inputs)
    return inputs, planned(surveyed(model, inputs, Selection(None)), [])


def scouted(model, inputs, plans):
    """The pass of every layer, found and planned while it was made."""
    rows = Rows(model, inputs)
    return scouted_pass(model, inputs, Selection(None), lambda f: planned(f, plans), rows)


def run(one, inputs, keep=2):
    pieces = {}
    one(inputs, keep, pieces.__setitem__)
    return pieces


@pytest.mark.parametrize("title", model_zoo.KINDS)
def test_the_graph_shows_what_capture_shows(title, monkeypatch):
    """By NumPy, and by the function that all layers share."""
    keras.utils.set_random_seed(1)
    model, x, _ = model_zoo.KINDS[title]()
    inputs = mapped(tensor, as_inputs(x))
    build(model, inputs)
    plans = []
    graph = scouted(model, inputs, plans)
    assert isinstance(graph, GraphPass)
    captured = tba.capture(model, x)
    assert_shows(run(graph, inputs), captured, plans)
    monkeypatch.setattr(graph_pass, "SMALL", 0)
    graph._spared = 0
    pieces = run(graph, inputs)
    assert all(isinstance(piece, SumsPiece) for piece in pieces.values())
    assert_shows(pieces, captured, plans)


@pytest.mark.parametrize("title", INSIDE)
def test_layers_beyond_what_memory_allows_are_added_up_inside(title, monkeypatch):
    monkeypatch.setattr(graph_pass, "RETURNED_BYTES", 0)
    keras.utils.set_random_seed(1)
    model, x, _ = model_zoo.KINDS[title]()
    inputs, plans = prepared(model, x)
    graph = make_pass(model, plans, inputs)
    (function,) = graph._functions.values()
    assert len(function.outputs) == 2 * len(plans)
    assert_shows(run(graph, inputs), tba.capture(model, x), plans)


def test_the_smallest_layers_leave_the_graph_first(monkeypatch):
    """What memory does not allow is the largest; a layer left over stays inside."""
    model = convolutions()
    inputs, plans = prepared(model, model_zoo.real(4, 12, 12, 1))
    sizes = {plan.name: 4 * plan.values(4) for plan in plans}
    assert sizes["dense"] < sizes["conv2"] < sizes["conv1"]
    monkeypatch.setattr(graph_pass, "RETURNED_BYTES", sizes["dense"] + sizes["conv2"])
    pieces = run(make_pass(model, plans, inputs), inputs)
    kinds = {name: type(piece) for name, piece in pieces.items()}
    assert kinds == {"conv1": SumsPiece, "conv2": ValuesPiece, "dense": ValuesPiece}
    assert_shows(pieces, tba.capture(model, inputs), plans)


def assert_shows(pieces, captured, plans):
    """Names in order, the first two examples' values, and the statistics of all."""
    assert list(pieces) == list(captured) == [plan.name for plan in plans]
    for plan in plans:
        plain = captured[plan.name]
        if plan.channels_first:
            plain = np.moveaxis(plain, 1, -1)
        close(pieces[plan.name].kept_values(plan), plain[:2])
        found = pieces[plan.name].statistics(plan).table()
        expected = ChannelStatistics.of(captured[plan.name], plan.channels_first).table()
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-5)


def close(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape
    tolerance = 2e-2 if a.dtype.itemsize < 4 else 1e-5
    np.testing.assert_allclose(
        a.astype("float64"), b.astype("float64"), rtol=tolerance, atol=tolerance
    )


def convolutions():
    return keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            L.Conv2D(8, 3, activation="relu", name="conv1"),
            L.Conv2D(8, 3, activation="relu", name="conv2"),
            L.Dense(4, name="dense"),
        ]
    )


def test_nan_does_not_vanish_in_the_graph():
    model = convolutions()
    model.layers[0].bias.assign([float("nan")] + [0.0] * 7)
    x = model_zoo.real(8, 12, 12, 1)
    inputs, plans = prepared(model, x)
    eager = {name: np.isnan(value).sum() for name, value in tba.capture(model, x).items()}
    pieces = run(make_pass(model, plans, inputs), inputs, keep=8)
    shown = {one.name: np.isnan(pieces[one.name].kept_values(one)).sum() for one in plans}
    counted = {plan.name: pieces[plan.name].statistics(plan).table()[:, 5].sum() for plan in plans}
    assert shown == eager == counted
    assert eager["conv1"] == 800 and eager["conv2"] == 8 * 8 * 8 * 8


def test_the_optimiser_of_other_functions_is_left_on():
    """With one NaN, an ordinary tf.function on a CPU fuses and shows none, before and after."""
    model = convolutions()
    model.layers[0].bias.assign([float("nan")] + [0.0] * 7)
    x = tf.constant(model_zoo.real(2, 12, 12, 1))

    def count():
        return int(
            np.isnan(tf.function(lambda x: model.layers[0](x), autograph=False)(x).numpy()).sum()
        )

    options, ordinary = tf.config.optimizer.get_experimental_options(), count()
    inputs, plans = prepared(model, x)
    run(make_pass(model, plans, inputs), inputs)
    assert count() == ordinary
    with unoptimised():
        assert count() == 2 * 10 * 10
    assert tf.config.optimizer.get_experimental_options() == options


def test_a_pass_is_traced_once_for_slices_of_every_size():
    traces = []

    class Counts(L.Layer):
        def call(self, x):
            if not tf.executing_eagerly():
                traces.append(x.shape)
            return x * 2

    model = keras.Sequential([Counts(name="counts")])
    inputs, plans = prepared(model, model_zoo.real(4, 3))
    graph = make_pass(model, plans, inputs)
    before = len(traces)
    for n in (4, 3, 1):
        run(graph, inputs[:n])
    assert len(traces) == before


def test_a_model_that_cannot_be_traced_is_run_plainly():
    class Eager(L.Layer):
        def call(self, x):
            return x * float(np.sum(x.numpy()) > -1e9)

        def compute_output_shape(self, shape):
            return shape

    model = keras.Sequential([Eager(name="eager"), L.Dense(2, name="dense")])
    inputs, plans = prepared(model, model_zoo.real(2, 4))
    plain = make_pass(model, plans, inputs)
    assert isinstance(plain, PlainPass)
    assert list(run(plain, inputs)) == ["eager", "dense"]


def test_a_model_that_asks_for_its_batch_is_traced_for_that_size():
    class Halves(L.Layer):
        def call(self, x):
            return x + tf.zeros([x.shape[0] // 2 * 2, 1])

    model = keras.Sequential([keras.Input((3,)), L.Dense(3, name="d")])
    model_halves = Halves(name="halves")
    inputs, plans = prepared(model_halves, model_zoo.real(4, 3))
    graph = make_pass(model_halves, plans, inputs)
    assert isinstance(graph, GraphPass)
    assert run(graph, inputs[:2])["halves"].kept_values(plans[0]).shape == (2, 3)
    assert model.name


@pytest.mark.parametrize("ids", [None, (0, 3, 7)])
def test_both_passes_keep_the_planned_channels(ids):
    model = convolutions()
    inputs, plans = prepared(model, model_zoo.real(3, 12, 12, 1))
    conv = plans[0].__class__(**{**plans[0].__dict__, "channel_ids": ids})
    both = [
        run(one, inputs)["conv1"].kept_values(conv)
        for one in (GraphPass(model, (conv,), inputs), PlainPass(model, (conv,)))
    ]
    assert both[0].shape == (2, 10, 10, 8 if ids is None else 3)
    np.testing.assert_allclose(*both, rtol=1e-5, atol=1e-6)


def test_what_there_is_is_found_without_running_the_model():
    """No layer computes a value before the first record, where a graph tells the shapes."""
    ran = []

    class Notes(L.Layer):
        def call(self, x):
            ran.append(tf.executing_eagerly())
            return x * 2

    model = keras.Sequential([keras.Input((3,)), Notes(name="notes"), L.Dense(2, name="dense")])
    ran.clear()
    found = scouted(model, tf.zeros([4, 3]), [])
    assert ran == [False]
    assert list(run(found, tf.zeros([4, 3]))) == ["notes", "dense"]


def test_layers_inside_a_python_function_are_found():
    """Sibling: what a graph does not show, the plain pass does."""

    class Calls(L.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.inner = L.Dense(3, name="inner")

        def build(self, shape):
            self.inner.build(shape)

        def call(self, x):
            out = tf.py_function(self.inner, [x], tf.float32)
            return tf.ensure_shape(out, [None, 3])

    model = keras.Sequential([keras.Input((3,)), Calls(name="calls"), L.Dense(2, name="dense")])
    plans = []
    found = scouted(model, tf.ones([4, 3]), plans)
    assert [plan.name for plan in plans] == ["calls/inner", "calls", "dense"]
    assert list(run(found, tf.ones([4, 3]))) == ["calls/inner", "calls", "dense"]


def test_a_shape_that_a_graph_cannot_tell_is_looked_at():
    """Sibling: a side that depends on values has the plain pass tell its size."""

    class Grows(L.Layer):
        def call(self, x):
            return tf.tile(x[:, :1], [1, tf.cast(tf.reduce_max(x), tf.int32) + 2])

        def compute_output_shape(self, shape):
            return (shape[0], None)

    plans = []
    scouted(Grows(name="g"), tf.ones([4, 3]), plans)
    assert [(plan.name, plan.shape) for plan in plans] == [("g", (3,))]


@pytest.mark.parametrize("family", model_kinds.FAMILIES)
def test_every_family_of_applications_is_traced_and_shown_as_it_computes(family):
    """Names, order and values of the graph are those of `capture`, for one small size each."""
    if family != "mobilenet" and os.environ.get("TBA_SOAK") != "1":
        pytest.skip("minutes of both cores: TBA_SOAK=1")
    name, side = model_kinds.FAMILIES[family]
    keras.utils.set_random_seed(1)
    model = first_step.network(name, side)
    x = model_zoo.real(2, side, side, 3)
    plans = []
    inputs = mapped(tensor, as_inputs(x))
    graph = scouted(model, inputs, plans)
    assert isinstance(graph, GraphPass)
    captured = tba.capture(model, x)
    pieces = run(graph, inputs)
    assert list(pieces) == list(captured)
    for plan, value in zip(plans, captured.values(), strict=True):
        scale = max(1e-3, float(np.abs(value).max()))
        kept = pieces[plan.name].kept_values(plan)
        np.testing.assert_allclose(kept, value[:2], rtol=1e-3, atol=1e-3 * scale)


def test_the_families_are_all_that_keras_applications_has():
    names = {
        name
        for name in dir(keras.applications)
        if inspect.ismodule(getattr(keras.applications, name))
    }
    assert names - {"imagenet_utils", "resnet50"} <= set(model_kinds.FAMILIES)
