"""Guided backpropagation and its smoothing: where it is the gradient, and where ReLUs hide."""

from __future__ import annotations

import threading

import attribution_nets as nets
import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops

import tb_activations as tba


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(5)


def guided(model, x, target=0, **options):
    options = {"samples": 1, "noise": 0, **options}
    return tba.attribute(model, x, target, method="guided_smooth_grad", **options)


def two_layers(activation):
    hidden = L.Dense(7, activation=activation, name="hidden")
    return keras.Sequential([keras.Input((5,)), hidden, L.Dense(3, name="out")])


def by_hand(model, x, target):
    """Σ w (u > 0) (z > 0), in NumPy: the gradients u of a unit pass where they are positive."""
    (w, b), (v, _) = (
        [np.asarray(ops.convert_to_numpy(one)) for one in layer.weights] for layer in model.layers
    )
    return ((x @ w + b > 0) * np.maximum(v[:, target], 0)) @ w.T


def raw_relu():
    """The backend's own function, as people pass it to a layer."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return lambda x: tf.nn.relu(x)
    if keras.backend.backend() == "jax":
        import jax

        return lambda x: jax.nn.relu(x)
    import torch

    return lambda x: torch.nn.functional.relu(x)


@pytest.mark.parametrize("relu", ["name", "layer", "operation", "raw"])
def test_a_relu_passes_back_what_is_positive(relu):
    """However it is written: by name, as a layer, as an operation, as the backend's own."""
    base, x = two_layers("relu"), nets.real(4, 5)
    made = {
        "name": lambda: base,
        "layer": lambda: keras.Sequential([base.layers[0].__class__(7), L.ReLU(), L.Dense(3)]),
        "operation": lambda: two_layers(lambda z: ops.relu(z)),
        "raw": lambda: two_layers(raw_relu()),
    }
    model = made[relu]()
    model(x)
    model.set_weights(base.get_weights())
    found = np.asarray(guided(model, x, 1))
    wanted = by_hand(base, x, 1)
    assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()
    assert not np.allclose(found, np.asarray(tba.attribute(model, x, 1, method="gradients")))


def test_of_positive_weights_it_is_the_gradient():
    """No negative gradient reaches a ReLU, so that nothing is held back."""
    model = nets.pooled()
    model.set_weights([np.abs(one) for one in model.get_weights()])
    x = nets.real(3, 9, 7, 3)
    plain = np.asarray(tba.attribute(model, x, 2, method="gradients"))
    assert np.allclose(np.asarray(guided(model, x, 2)), plain, atol=1e-6 * np.abs(plain).max())


def test_noise_is_that_of_smooth_grad():
    """On positive weights the smoothed maps are one, and so are their errors."""
    model = nets.pooled()
    model.set_weights([np.abs(one) for one in model.get_weights()])
    x = nets.real(2, 9, 7, 3)
    a = guided(model, x, 2, samples=4, noise=0.2)
    b = tba.attribute(model, x, 2, method="smooth_grad", samples=4, noise=0.2)
    assert np.allclose(np.asarray(a), np.asarray(b), atol=1e-6)
    assert np.allclose(a.standard_error, b.standard_error, atol=1e-6)


def test_nothing_stays_changed():
    """Before, after and beside a guided pass gradients are the plain ones, the score always."""
    model, x = two_layers("relu"), nets.real(4, 5)
    functions = [keras.activations.relu, keras.layers.Layer.__call__]
    before = tba.attribute(model, x, 0, method="gradients")
    beside = []

    def other():
        beside.extend(tba.attribute(model, x, 0, method="gradients") for _ in range(5))

    thread = threading.Thread(target=other)
    thread.start()
    found = [guided(model, x) for _ in range(5)]
    thread.join()
    assert np.array_equal(found[0].score, before.score)
    for one in [*beside, tba.attribute(model, x, 0, method="gradients")]:
        assert np.allclose(np.asarray(one), np.asarray(before), atol=1e-6)
    assert functions == [keras.activations.relu, keras.layers.Layer.__call__]


def test_other_activations_are_said():
    """ReLUs alone are changed; another one beside them passes its own gradient."""
    model = keras.Sequential(
        [keras.Input((5,)), L.Dense(6, "relu"), L.Dense(6, "gelu"), L.Dense(2, "softmax")]
    )
    with pytest.warns(UserWarning, match="changes ReLUs alone: the model's gelu passes its own"):
        found = guided(model, nets.real(2, 5))
    assert len(found.remarks) == 1


def test_a_model_without_a_relu_is_refused_with_what_works():
    """The sentence names SmoothGrad, and that works."""
    model, x = nets.smooth(), nets.real(2, 6, 5, 2)
    with pytest.raises(ValueError, match=r"none was met.*method='smooth_grad' works here"):
        guided(model, x)
    assert np.asarray(tba.attribute(model, x, 0, method="smooth_grad", samples=2)).any()
