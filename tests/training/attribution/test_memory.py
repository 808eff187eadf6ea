"""What relevance keeps for the way back, on TensorFlow and JAX: what a layer was given and gave."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as L

import tb_activations as tba
from tb_activations.training.keras import shared_out

BACKEND = keras.backend.backend()
WIDTH, BLOCKS = 8, 4
X = np.random.default_rng(0).random((2, 16, 16, 3), "float32")


def stack():
    """A ResNet in small: blocks of two normalised convolutions and an addition."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((16, 16, 3))
    x = L.Conv2D(WIDTH, 3, padding="same")(x)
    for _ in range(BLOCKS):
        y = x
        for _ in range(2):
            y = L.Conv2D(WIDTH, 3, padding="same", use_bias=False)(y)
            y = L.ReLU()(L.BatchNormalization()(y))
        x = L.Add()([x, y])
    return keras.Model(inputs, L.Dense(3)(L.GlobalAveragePooling2D()(x)))


@pytest.mark.skipif(BACKEND == "torch", reason="counted by saved tensors in test_believing.py")
def test_relevance_keeps_what_layers_were_given_and_returned(monkeypatch):
    """Nothing that is computed with them outlives a layer's turn: two arrays a call are kept, and
    its contributions are made on the way back alone."""
    kept, made, turns = [], [], []
    shared_before, pulled_before = shared_out.shared_out, shared_out.pulled_back

    def counting(value, shared, given, epsilon):
        kept.append([tuple(one.shape) for one in (*given, value)])
        return shared_before(value, lambda *a: made.append(1) or shared(*a), given, epsilon)

    def pulled(shared, terms):
        turns.append(len(made))
        return pulled_before(shared, terms)

    from tb_activations.training.keras import relevance

    monkeypatch.setattr(relevance, "shared_out", counting)
    monkeypatch.setattr(shared_out, "pulled_back", pulled)
    found = tba.attribute(stack(), X, 1, method="lrp")
    assert np.isfinite(found.values).all()
    layer, channels = np.prod((2, 16, 16, WIDTH)), 2 * WIDTH
    assert len(kept) == 1 + 2 * 2 * BLOCKS + 1 and len(turns) >= 2 * BLOCKS
    assert turns[0] == 0, "contributions were made on the way forward"
    for shapes in kept:  # what was given, what was returned and its value; at most two of a size
        assert sum(np.prod(one) for one in shapes) <= 3 * layer + 2 * channels
