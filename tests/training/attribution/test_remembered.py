"""A model's inspection is remembered between calls, and a changed model is inspected anew."""

from __future__ import annotations

import gc
import weakref

import keras
import numpy as np
import pytest
from keras import layers as L

import tb_activations as tba
from tb_activations.training.keras import gradients

X = np.random.default_rng(0).random((3, 6, 6, 2), "float32")


@pytest.fixture
def looks(monkeypatch):
    """How often models were looked at, one entry a look."""
    found = []
    inspected = gradients.inspected
    monkeypatch.setattr(gradients, "inspected", lambda *a: found.append(1) or inspected(*a))
    return found


def network(**last):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            L.Conv2D(4, 3, activation="relu", name="conv"),
            L.Flatten(),
            L.Dense(3, activation="softmax", name="dense", **last),
        ]
    )


def maps(model, x=X, **options):
    return np.asarray(tba.attribute(model, x, 1, method="gradients", **options))


def test_the_second_call_looks_no_more(looks):
    """With the same answer, for other examples and weights, other methods and layers."""
    model = network()
    first = maps(model)
    np.testing.assert_array_equal(maps(model), first)
    tba.attribute(model, X[:2], method="grad_cam")
    maps(model, layer="conv")
    model.get_layer("dense").kernel.assign(model.get_layer("dense").kernel * 2)
    np.testing.assert_allclose(maps(model), 2 * first, rtol=1e-5)
    assert len(looks) == 1


def another_layer(model):
    model.add(L.Dense(3, activation="softmax", name="more"))


def another_activation(model):
    model.get_layer("conv").activation = keras.activations.tanh


@pytest.mark.parametrize("change", [another_layer, another_activation])
def test_a_changed_model_is_inspected_anew(looks, change):
    """And explained as it is now: as one that was never seen before."""
    model = network()
    maps(model)
    change(model)
    found = maps(model)
    assert len(looks) == 2
    fresh = keras.models.clone_model(model)
    fresh.set_weights(model.get_weights())
    np.testing.assert_allclose(found, maps(fresh), rtol=1e-5, atol=1e-7)


def test_other_inputs_and_questions_are_looked_at(looks):
    """Other shapes, probabilities, and functions, which may look at anything."""
    model = keras.Sequential([L.Conv2D(4, 3), L.GlobalAveragePooling2D(), L.Dense(2)])
    model(X)
    for x in (X, X[:, :5], X, X[:, :5]):
        maps(model, x)
    assert len(looks) == 2
    maps(model, output="probability")
    for _ in range(2):
        tba.attribute(model, X, lambda outputs: outputs[:, 0], method="gradients")
    assert len(looks) == 5


def test_what_is_said_is_said_each_time():
    """Remarks stand in every answer, as where examples are mixed."""
    inputs = keras.Input((4,))
    mixed = inputs - keras.ops.mean(inputs, axis=0, keepdims=True)
    model = keras.Model(inputs, L.Dense(2)(mixed))
    x = X[:, 0, :2].reshape(3, 4)
    for _ in range(2):
        with pytest.warns(UserWarning, match="mixes the examples"):
            assert "mixes" in " ".join(tba.attribute(model, x, 0, method="gradients").remarks)


def test_an_unknown_layer_is_named_with_what_there_is(looks):
    """Also where the model is known already."""
    model = network()
    for _ in range(2):
        with pytest.raises(ValueError, match=r"nothing.*conv"):
            maps(model, layer="nothing")


def test_a_model_goes_when_its_owner_lets_go():
    """What is remembered holds neither the model nor its weights."""
    model = network()
    maps(model)
    gone, weights = weakref.ref(model), weakref.ref(model.get_layer("dense"))
    del model
    gc.collect()
    gc.collect()  # the layers, which go in circles, after it
    assert gone() is None and weights() is None


class Turning(keras.Model):
    """Runs one of two layers, as the inputs say."""

    def __init__(self):
        super().__init__()
        self.small, self.large, self.dense = (
            L.Dense(3, name="small"),
            L.Dense(3, name="large"),
            L.Dense(2),
        )

    def call(self, x):
        return self.dense(self.large(x) if float(keras.ops.max(x)) > 1 else self.small(x))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="a trace has no values to turn on")
def test_a_model_that_turns_on_its_inputs_is_looked_at_again():
    """Where the layer that is asked for did not run the first time, and the other way round."""
    model, x = Turning(), X[:, 0, 0]
    model(x)
    model(x + 2)
    assert maps(model, x, layer="small").shape == (3, 3)
    assert maps(model, x + 2, layer="large").shape == (3, 3)
