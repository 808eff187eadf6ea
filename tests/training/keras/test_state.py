"""What a pass moves is put back: training is the same, to the bit, with the callback or not."""

from __future__ import annotations

import os
import random
from collections import deque

import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops

import tb_activations as tba

tf = pytest.importorskip("tensorflow")
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # noqa: E402

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="states of TensorFlow"
)
OUTSIDE: dict[str, object] = {}


class Moves(L.Layer):
    """Scales its input a little by a state that each call moves."""

    def __init__(self, start, move, **options):
        super().__init__(**options)
        start(self)
        self.move = move

    def call(self, x):
        return x * (1 + 1e-3 * ops.cast(self.move(self), x.dtype))

    def compute_output_shape(self, shape):
        return shape


class Holder:
    """An object of the user's own."""

    def __init__(self):
        self.count = tf.Variable(0.0)
        self.calls = 0


def counter(**options):
    return tf.Variable(0.0, **options)


def appended(held):
    held.append(1)
    return float(len(held))


def next_call(holder):
    holder.calls += 1
    return float(holder.calls)


# title: (start, move → a number, whether it runs eagerly)
STATES = {
    "a variable, trainable as by default": (
        lambda one: setattr(one, "held", counter()),
        lambda one: one.held.assign_add(1.0),
        False,
    ),
    "a variable in a list": (
        lambda one: setattr(one, "held", [counter()]),
        lambda one: one.held[0].assign_add(1.0),
        False,
    ),
    "a variable in a dict in a list": (
        lambda one: setattr(one, "held", [{"a": counter()}]),
        lambda one: one.held[0]["a"].assign_add(1.0),
        False,
    ),
    "a variable of an object of the user's own": (
        lambda one: setattr(one, "held", Holder()),
        lambda one: one.held.count.assign_add(1.0),
        False,
    ),
    "a variable that no layer holds": (
        lambda one: OUTSIDE.update(count=counter()),
        lambda one: OUTSIDE["count"].assign_add(1.0),
        False,
    ),
    "a variable of Keras, assigned past Keras": (
        lambda one: setattr(one, "held", one.add_weight(shape=(), trainable=False)),
        lambda one: one.held.value.assign_add(1.0),
        False,
    ),
    "a variable of Keras": (
        lambda one: setattr(one, "held", one.add_weight(shape=(), trainable=False)),
        lambda one: [one.held.assign_add(1.0), one.held.value][1],
        False,
    ),
    "a generator of TensorFlow": (
        lambda one: setattr(one, "held", tf.random.Generator.from_seed(1)),
        lambda one: one.held.uniform([]),
        False,
    ),
    "TensorFlow's global generator": (
        lambda one: tf.random.set_global_generator(tf.random.Generator.from_seed(1)),
        lambda one: tf.random.get_global_generator().uniform([]),
        False,
    ),
    "a seed generator of Keras": (
        lambda one: setattr(one, "held", keras.random.SeedGenerator(1)),
        lambda one: keras.random.uniform([], seed=one.held),
        False,
    ),
    "the global seed generator of Keras": (
        lambda one: None,
        lambda one: keras.random.uniform([]),
        False,
    ),
    "a metric": (
        lambda one: setattr(one, "held", keras.metrics.Sum()),
        lambda one: [one.held.update_state(1.0), one.held.result()][1],
        False,
    ),
    "TensorFlow's operations with a global seed, eagerly": (
        lambda one: None,
        lambda one: tf.random.uniform([]),
        True,
    ),
    "a counter, eagerly": (
        lambda one: setattr(one, "calls", 0),
        next_call,
        True,
    ),
    "a counter of an object of the user's own, eagerly": (
        lambda one: setattr(one, "held", Holder()),
        lambda one: next_call(one.held),
        True,
    ),
    "a list, eagerly": (lambda one: setattr(one, "held", []), lambda one: appended(one.held), True),
    "a deque, eagerly": (
        lambda one: setattr(one, "held", deque(maxlen=3)),
        lambda one: appended(one.held),
        True,
    ),
    "a generator of NumPy, eagerly": (
        lambda one: setattr(one, "held", np.random.default_rng(1)),
        lambda one: one.held.random(),
        True,
    ),
    "NumPy's and Python's own, eagerly": (
        lambda one: setattr(one, "held", random.Random(1)),
        lambda one: one.held.random() + random.random() + np.random.random(),
        True,
    ),
    "an array, eagerly": (
        lambda one: setattr(one, "held", np.zeros(2)),
        lambda one: np.add(one.held, 1, out=one.held)[0],
        True,
    ),
}


GRAPHS = [title for title, (_, _, eagerly) in STATES.items() if not eagerly]
EAGER = [title for title, (_, _, eagerly) in STATES.items() if eagerly]
# All at once, in one model; with TBA_SOAK=1 each by itself as well, which says whose state it was.
ALONE = [[title] for title in STATES] if os.environ.get("TBA_SOAK") else []


def named(titles):
    """For pytest: one title, or how many."""
    return titles[0] if len(titles) == 1 else f"{len(titles)} states"


def weights(titles, log_dir):
    """After a short training of a model with these states; logged where there is a directory."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    layers = [Moves(*STATES[title][:2], name=f"moves{i}") for i, title in enumerate(titles)]
    model = keras.Sequential([keras.Input((3,)), *layers, L.Dense(2, name="dense")])
    eagerly = any(STATES[title][2] for title in titles)
    model.compile("sgd", "mse", run_eagerly=eagerly, jit_compile=False)
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    watch = [tba.ActivationsCallback(log_dir, x, update_freq="batch", verbose=0)] if log_dir else []
    model.fit(x, x[:, :2], batch_size=4, verbose=0, shuffle=True, callbacks=watch)
    return model.get_layer("dense").get_weights()


@pytest.mark.parametrize("titles", [GRAPHS, EAGER, *ALONE], ids=named)
def test_a_fit_is_the_same_with_the_callback_and_without(titles, tmp_path):
    for one, other in zip(weights(titles, tmp_path), weights(titles, None), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("titles", [EAGER, *(one for one in ALONE if one[0] in EAGER)], ids=named)
def test_the_plain_pass_puts_the_same_back(titles, monkeypatch, tmp_path):
    """A model that no graph can be made of trains the same with the callback, too."""
    monkeypatch.setattr("tb_activations.training.keras.passes._kind", lambda: None)
    for one, other in zip(weights(titles, tmp_path), weights(titles, None), strict=True):
        np.testing.assert_array_equal(one, other)


def written(log_dir):
    """Steps of the summaries in a directory."""
    return [
        event.step
        for name in os.listdir(log_dir)
        for event in EventFileLoader(str(log_dir / name)).Load()
        if event.summary.value
    ]


class Writes(L.Layer):
    """Writes a summary in each call, under a condition of its own where there is one."""

    def __init__(self, writer=None, write=tf.summary.scalar, **options):
        super().__init__(**options)
        self.writer, self.write, self.supports_jit = writer, write, False

    def call(self, x):
        if self.writer is None:
            self.write("mean", tf.reduce_mean(x, keepdims=True)[0, 0])
            return x
        with self.writer.as_default(), tf.summary.record_if(True):
            self.write("mean", tf.reduce_mean(x, keepdims=True)[0, 0])
        return x

    def compute_output_shape(self, shape):
        return shape


def ours(name, value):
    tba.activations(name, value[None, None])


@pytest.mark.parametrize(
    ("own_writer", "eagerly", "write"),
    [(False, False, tf.summary.scalar), (True, False, ours), (True, True, tf.summary.scalar)],
)
def test_what_a_layer_writes_is_the_same_with_the_callback(tmp_path, own_writer, eagerly, write):
    steps = []
    for logged in (False, True):
        where = tmp_path / f"own{logged}"
        writer = tf.summary.create_file_writer(str(where))
        layer = Writes(writer if own_writer else None, write, name="w")
        model = keras.Sequential([keras.Input((6,)), layer, L.Dense(2)])
        model.compile("adam", "mse", run_eagerly=eagerly, jit_compile=False)
        x = np.random.default_rng(0).random((16, 6), "float32")
        watch = [tba.ActivationsCallback(tmp_path / "run", x, verbose=0)] if logged else []
        with writer.as_default(step=model.optimizer.iterations.value):
            model.fit(x, x[:, :2], batch_size=8, epochs=2, verbose=0, callbacks=watch)
        writer.close()
        steps.append(written(where))
    assert steps[0] == steps[1] == [0, 1, 2, 3]
