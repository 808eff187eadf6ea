"""Grad-CAM++: closed form of a pooled head, and what it says where its formula does not hold."""

from __future__ import annotations

import attribution_nets as nets
import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops

import tb_activations as tba


def expected(model, x, classes):
    """Σ ReLU(w) / (2 + w mean A) A: of a mean over positions and a dense layer."""
    kernel = np.asarray(ops.convert_to_numpy(model.get_layer("out").weights[0]), np.float64)
    maps = tba.capture(model, x, "conv")["conv"].astype(np.float64)
    w = kernel[:, classes].T[:, None, None]
    factors = np.maximum(w, 0) / (2 + w * maps.mean(axis=(1, 2), keepdims=True))
    return (factors * maps).sum(axis=-1, keepdims=True)


def test_a_pooled_head_has_a_closed_form():
    """The map is Σ ReLU(w) A / (2 + w mean A), at the layer that Grad-CAM chooses."""
    keras.utils.set_random_seed(5)
    model, x, classes = nets.pooled(), nets.real(3, 9, 7, 3), [1, 3, 0]
    found = tba.attribute(model, x, classes, method="grad_cam_plus_plus")
    wanted = expected(model, x, classes)
    assert found.layer == "conv" and found.data_format == "channels_last"
    assert np.abs(np.asarray(found) - wanted).max() < 1e-5 * np.abs(wanted).max()
    assert found.gap is None and found.baseline_score is None


def test_scores_of_any_size_leave_the_map_finite():
    """The factor exp S is left out: logits of thousands overflow nothing."""
    keras.utils.set_random_seed(5)
    model, x = nets.pooled(), 1e4 * nets.real(2, 9, 7, 3)
    found = tba.attribute(model, x, 1, method="grad_cam_plus_plus")
    assert np.abs(found.score).max() > 1e3 and np.isfinite(np.asarray(found)).all()


def test_values_below_zero_are_said():
    """Where a layer's values are negative, the formula may divide by what is not positive."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            L.Conv2D(2, 3, kernel_initializer="ones", name="conv"),
            L.GlobalAveragePooling2D(),
            L.Dense(2, kernel_initializer="ones"),
        ]
    )
    x = np.full((1, 6, 6, 1), -9, "float32")
    with pytest.warns(UserWarning, match=r"not positive.*choose a layer behind a ReLU"):
        found = tba.attribute(model, x, 0, method="grad_cam_plus_plus")
    assert len(found.remarks) == 1


@pytest.mark.parametrize("layer", [None, "dense1"])
def test_a_model_without_positions_is_refused(layer):
    """The sentence says so with the method's own name, and what works."""
    model = nets.flat() if layer else keras.Sequential([keras.Input((4,)), L.Dense(2)])
    x = nets.real(2, 16, 16, 3) if layer else nets.real(2, 4)
    with pytest.raises(ValueError, match=r"^grad_cam_plus_plus.* works") as refusal:
        tba.attribute(model, x, 0, method="grad_cam_plus_plus", layer=layer)
    other = "gradient_x_input" if layer else "integrated_gradients"
    assert f"method='{other}'" in str(refusal.value)
    assert np.asarray(tba.attribute(model, x, 0, method=other, layer=layer)).any()
