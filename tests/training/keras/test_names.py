"""Names: exact ones before globs, every character that Keras allows, prefixes past `__call__`."""

from __future__ import annotations

import keras
import model_zoo
import numpy as np
import pytest
from keras import layers as L
from training.keras.test_callback import quiet, read

import tb_activations as tba

X = model_zoo.real(4, 4)


def chain(*names):
    return keras.Sequential([keras.Input((4,)), *(L.Dense(4, name=name) for name in names)])


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("conv[1]", ["conv[1]"]),  # as a glob it is conv1
        ("conv[12]", ["conv1"]),
        ("*", ["*"]),
        ("c*", ["conv[1]", "conv1"]),
        (["?", "conv1"], ["conv1", "?"]),
    ],
)
def test_an_exact_name_goes_before_a_glob(asked, names):
    assert list(tba.capture(chain("conv[1]", "conv1", "*", "?"), X, asked)) == names


def test_a_step_of_a_path_that_is_a_name_is_no_glob():
    inner = [chain("a[0]", "b"), chain("a[0]", "b")]
    inner[0].name, inner[1].name = "block[1]", "block1"
    i = keras.Input((4,))
    model = keras.Model(i, inner[0](inner[1](inner[0](i))))
    ask = lambda layers: list(tba.capture(model, X, layers))  # noqa: E731
    assert ask("block[1]/a*") == ["block[1]/a[0]", "block[1]:2/a[0]"]
    assert ask("block[1]:2/*") == ["block[1]:2/a[0]", "block[1]:2/b"]
    assert ask("block?/a[0]") == ["block1/a[0]"]


def test_parts_are_asked_for_whatever_their_keys_are():
    class Heads(L.Layer):
        def call(self, x):
            return {"a/b": x + 1, "c.d": x + 2, "e*": x + 3}

    i = keras.Input((4,))
    model = keras.Model(i, Heads(name="heads[0]")(i))
    names = list(tba.capture(model, X))
    assert names == ["heads[0].a/b", "heads[0].c.d", "heads[0].e*"]
    for name in names:
        assert list(tba.capture(model, X, name)) == [name]


ODD = [*"'\"\\#?.*[]!:%&=\n\t\0", "..", "a b", "ä→b", "conv:2", "a.b", "%2F", "-", "x" * 300]


def test_every_character_that_keras_allows_is_logged_and_asked_for(tmp_path):
    model = chain(*ODD)
    model.compile("sgd", "mse", run_eagerly=True)  # a graph of TensorFlow's refuses such scopes
    assert list(tba.capture(model, X)) == ODD
    assert [list(tba.capture(model, X, name)) for name in ODD] == [[name] for name in ODD]
    model.fit(X, X, verbose=0, callbacks=[quiet(tmp_path, X, ODD)])
    assert list(read(tmp_path)) == ["input", *ODD]


def test_a_name_that_a_graph_refuses_leaves_no_scope_open(tmp_path):
    """The path of a variable that is made after a pass is its own."""
    model = chain("a b")
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, X, verbose=0, callbacks=[quiet(tmp_path, X)])
    later = L.Dense(2, name="later")
    later.build((None, 4))
    assert later.kernel.path == "later/kernel"


def test_an_empty_name_is_called_as_keras_would(tmp_path):
    class OwnThing(L.Layer):
        def call(self, x):
            return x + 1

    i = keras.Input((4,))
    model = keras.Model(i, OwnThing(name="own_thing")(L.Dense(4, name="")(i)))
    model.layers[-1].name = ""
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, X, verbose=0, callbacks=[quiet(tmp_path, X)])
    assert list(read(tmp_path)) == ["input", "dense", "own_thing"]
    assert list(tba.capture(model, X, "dense")) == ["dense"]
    assert list(tba.capture(L.Dense(2, name=""), X)) == ["dense"]


class Encoder(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.conv, self.norm = L.Dense(4, name="conv"), L.LayerNormalization(name="norm")

    def call(self, x):
        return self.norm(self.conv(x))

    def features(self, x):
        return self.helper(x) * 2

    def helper(self, x):
        return self.conv(x)


class Past(keras.Model):
    """Runs the layers of its encoders past their `__call__`, in every way."""

    def __init__(self):
        super().__init__()
        self.encoder, self.head = Encoder(name="encoder"), L.Dense(2, name="head")
        self.stack = chain("s1")
        self.stack.name = "stack"

    def call(self, x):
        x = self.encoder.call(x)
        x = self.encoder.features(x)
        x = self.stack.call(x)
        return self.own(self.encoder(x))

    def own(self, x):
        return self.head(x)


NAMES = [
    "encoder/conv",
    "encoder/norm",
    "encoder:2/conv",
    "stack/s1",
    "encoder:3/conv",
    "encoder:3/norm",
    "head",
]


def test_an_inner_layer_keeps_its_prefix_past_the_call_of_the_layer_around(tmp_path):
    """In the eager pass and in the callback's alike; values are those of the layers."""
    model = Past()
    values = tba.capture(model, X)
    assert list(values) == NAMES
    np.testing.assert_array_equal(values["encoder/conv"], model.encoder.conv(X))
    second = model.encoder.conv(values["encoder/norm"])
    np.testing.assert_array_equal(values["encoder:2/conv"], second)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0, callbacks=[quiet(tmp_path, X)])
    assert list(read(tmp_path)) == ["input", *NAMES]
    assert list(tba.capture(model, X, "encoder:2/*")) == ["encoder:2/conv"]


def test_a_layer_that_another_one_only_hands_on_keeps_its_place():
    """A method of a layer that does not hold the called one is no place around it."""

    class Helper(L.Layer):
        def run(self, layer, x):
            return layer(x)

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.helper, self.dense = Helper(name="helper"), L.Dense(2, name="dense")

        def call(self, x):
            return self.helper.run(self.dense, x)

    assert list(tba.capture(Model(), X)) == ["dense"]
