"""Operations of functional models are entries, under the names that `summary()` gives them."""

from __future__ import annotations

import keras
import model_zoo
import numpy as np
import pytest
from keras import layers as L
from keras import ops
from training.keras.test_callback import quiet, read

import tb_activations as tba

X = model_zoo.real(4, 8, 8, 3)


@pytest.fixture(autouse=True)
def fresh_names():
    keras.utils.clear_session()


def block():
    """A residual block by operators; its own feature map is what `ops.relu` returns."""
    i = keras.Input((8, 8, 3))
    x = ops.relu(L.Conv2D(3, 3, padding="same", name="conv")(i) + i)
    model = keras.Model(i, L.Dense(2, name="head")(L.Flatten()(x)), name="block")
    return model, keras.Model(i, x)


def test_operators_and_activations_are_entries_as_layers_are():
    model, upto = block()
    values = tba.capture(model, X)
    assert list(values) == ["conv", "add", "relu", "head"]
    np.testing.assert_allclose(values["relu"], upto(X), atol=1e-6)
    np.testing.assert_allclose(values["add"], values["conv"] + X, atol=1e-6)
    said = []
    model.summary(print_fn=lambda line, **_: said.append(line))
    assert "add (Add)" in "\n".join(said) and "relu (Relu)" in "\n".join(said)


def test_they_are_logged_while_fit_trains(tmp_path):
    """With the values of the plain pass, in the order of execution, in the path of their model."""
    model, _ = block()
    i = keras.Input((8, 8, 3))
    outer = keras.Model(i, ops.exp(-model(i)))
    outer.compile("sgd", "mse")
    callback = quiet(tmp_path, X, precision="float32", receptive_fields=False)
    outer.fit(X, np.zeros((4, 2)), verbose=0, callbacks=[callback])
    values, log = tba.capture(outer, X), read(tmp_path)
    names = ["block/conv", "block/add", "block/relu", "block/head", "negative", "exp"]
    assert list(log) == ["input", *names] and list(values) == names
    for name, value in values.items():
        np.testing.assert_allclose(log[name][1][1], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("relu", ["relu"]),
        ("a*", ["add"]),
        (lambda layer: layer.trainable, ["conv", "flatten", "head", "block"]),
        (L.Layer, ["conv", "flatten", "head", "block"]),
        (["head", "add"], ["add", "head"]),
    ],
)
def test_they_are_asked_for_by_name_and_glob_and_never_by_what_layers_have(asked, names):
    model, _ = block()
    assert list(tba.capture(model, X, asked)) == names


def test_what_only_rearranges_is_an_entry_by_name_alone():
    i = keras.Input((4, 6))
    x = ops.transpose(ops.reshape(i, (-1, 6, 4)), (0, 2, 1))[:, 1:]
    a, b = ops.split(ops.cast(x, "float32"), 2, axis=-1)
    model = keras.Model(i, ops.concatenate([a, b * b], axis=-1) @ ops.ones((6, 2)))
    x = model_zoo.real(2, 4, 6)
    assert list(tba.capture(model, x)) == ["multiply", "concatenate", "matmul"]
    whole = tba.capture(model, x, ["reshape", "transpose", "get_item", "split"])
    assert list(whole) == ["reshape", "transpose", "get_item", "split.0", "split.1"]
    np.testing.assert_array_equal(whole["transpose"], x.reshape(2, 6, 4).swapaxes(1, 2))


def test_a_layer_of_ones_own_that_bears_a_rearranging_name_is_an_entry():
    class Reshape(L.Layer):
        def call(self, x):
            return x * 3

    model = keras.Sequential([keras.Input((4,)), Reshape(name="mine")])
    assert list(tba.capture(model, model_zoo.real(2, 4))) == ["mine"]


def test_a_shared_functional_model_numbers_the_calls_of_its_operations():
    i = keras.Input((4,))
    tower = keras.Model(i, ops.tanh(L.Dense(3, name="dense")(i)), name="tower")
    a, b = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([a, b], tower(a) - tower(b))
    names = ["tower/dense", "tower/tanh", "tower:2/dense", "tower:2/tanh", "subtract"]
    x = model_zoo.real(2, 4)
    assert list(tba.capture(model, [x, -x])) == names
    assert list(tba.capture(model, [x, -x], "tanh")) == ["tower/tanh", "tower:2/tanh"]
