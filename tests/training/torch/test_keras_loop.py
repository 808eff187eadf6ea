"""A Keras model in a loop of one's own is logged too; Keras is asked before PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from torch_nets import records, steps

import tb_activations as tba

keras = pytest.importorskip("keras")


def test_a_keras_model_in_a_loop_of_ones_own_is_logged(tmp_path):
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.ReLU(name="b")]
    )
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    options = {"update_freq": 2, "verbose": 0, "precision": "float32"}
    with tba.ActivationsLogger(tmp_path, model, x, **options) as logger:
        for _ in range(5):
            model.set_weights([one + 1 for one in model.get_weights()])
            logger.step()
    assert steps(tmp_path, "a") == [1, 2, 4]
    kernel, bias = model.get_weights()
    expected = x @ (kernel - 1) + bias - 1
    np.testing.assert_allclose(records(tmp_path)["a", 4].values, expected[:4], atol=1e-5)


def test_options_of_pytorch_are_refused_for_keras(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    with pytest.raises(TypeError, match="autocast is for PyTorch models alone"):
        tba.ActivationsLogger(tmp_path, model, np.zeros((2, 4)), autocast="bfloat16")
    with pytest.raises(TypeError, match="functions is for PyTorch models alone"):
        tba.capture(model, np.zeros((2, 4), "f4"), functions=False)
