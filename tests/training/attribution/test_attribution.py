"""`attribute`: closed forms and axioms, that need no other library to be known."""

from __future__ import annotations

import attribution_nets as nets
import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops

import tb_activations as tba

METHODS = (
    "gradients",
    "gradient_x_input",
    "integrated_gradients",
    "smooth_grad",
    "occlusion",
    "grad_cam",
    "grad_cam_plus_plus",
)
AT_INPUTS = METHODS[:3]
FEW = {
    "integrated_gradients": {"steps": 4},
    "smooth_grad": {"samples": 4},
    "occlusion": {"patch": 4, "stride": 3},
}
# JAX has no float64 unless it is told, and on Torch a model rounds its inputs to float32.
DOUBLE = keras.backend.backend() == "tensorflow"
DTYPE, STEP, OFF = ("float64", 1e-5, 1e-6) if DOUBLE else ("float32", 1e-2, 2e-3)


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(5)


def weights(model, layer="out"):
    return [np.asarray(ops.convert_to_numpy(w)) for w in model.get_layer(layer).weights]


def furthest(a, b):
    """The largest difference, as a share of the largest value."""
    return np.abs(np.asarray(a) - np.asarray(b)).max() / np.abs(np.asarray(b)).max()


def test_gradients_of_a_linear_net_are_its_weights_to_the_bit():
    """Each example's map is the row of weights of its class."""
    model, x = nets.linear(), nets.real(3, 4, 5, 3)
    kernel, _ = weights(model)
    found = tba.attribute(model, x, [2, 0, 1], method="gradients")
    assert np.array_equal(np.asarray(found), kernel.T[[2, 0, 1]].reshape(3, 4, 5, 3))


def test_gradient_x_input_of_a_linear_net_is_exact_and_its_gap_the_bias():
    """x · w to the bit; what the sum leaves of the score is the bias."""
    model, x = nets.linear(), nets.real(3, 4, 5, 3)
    kernel, bias = weights(model)
    found = tba.attribute(model, x, [2, 0, 1], method="gradient_x_input")
    assert np.array_equal(np.asarray(found), x * kernel.T[[2, 0, 1]].reshape(x.shape))
    assert np.allclose(found.gap, bias[[2, 0, 1]], atol=1e-5)


@pytest.mark.parametrize("rule", ["gauss_legendre", "midpoint"])
def test_one_step_of_integrated_gradients_is_exact_on_a_linear_net(rule):
    """(x − x') · w to the bit, and no gap."""
    model, x, baseline = nets.linear(), nets.real(3, 4, 5, 3), nets.real(4, 5, 3, seed=8)
    kernel, _ = weights(model)
    found = tba.attribute(model, x, [2, 0, 1], baseline=baseline, steps=1, rule=rule)
    exact = (x.astype(np.float64) - baseline) * kernel.T[[2, 0, 1]].reshape(x.shape)
    assert np.array_equal(np.asarray(found), exact.astype(np.float32))
    assert np.abs(found.gap).max() < 1e-5


def test_integrated_gradients_account_for_the_score_within_the_gap():
    """The sum and the stored gap are S(x) − S(x'), both scores as computed apart."""
    model, x, baseline = nets.smooth(), nets.real(4, 6, 5, 2), nets.real(6, 5, 2, seed=9)
    found = tba.attribute(model, x, 1, baseline=baseline, steps=4)
    here = nets.logits_of(model, x)[:, 1]
    there = nets.logits_of(model, np.broadcast_to(baseline, x.shape))[:, 1]
    assert np.allclose(found.score, here, atol=1e-5)
    assert np.allclose(found.baseline_score, there, atol=1e-5)
    sums = np.asarray(found, np.float64).sum(axis=(1, 2, 3))
    assert np.allclose(sums + found.gap, here - there, atol=1e-5)


def test_the_gap_falls_with_the_steps():
    """On a smooth net each doubling of the midpoints divides the gap by about four."""
    model, x = nets.smooth(DTYPE), 3 * nets.real(4, 6, 5, 2).astype(DTYPE)
    gaps = [
        np.abs(tba.attribute(model, x, 0, steps=steps, rule="midpoint").gap).max()
        for steps in (8, 16, 32)
    ]
    assert gaps[0] > 3 * gaps[1] > 9 * gaps[2] > 0


def test_grad_cam_of_a_pooled_head_is_the_class_activation_map():
    """Σ w · A / positions, whose sum with the bias is the logit."""
    model, x = nets.pooled(), nets.real(3, 9, 7, 3)
    kernel, bias = weights(model)
    maps = tba.capture(model, x, "conv")["conv"].astype(np.float64)
    found = tba.attribute(model, x, [1, 3, 0], method="grad_cam")
    assert found.layer == "conv" and found.of == ("conv",)
    expected = np.einsum("nhwc,cn->nhw", maps, kernel[:, [1, 3, 0]]) / (7 * 5)
    assert furthest(np.asarray(found)[..., 0], expected) < 1e-5
    sums = np.asarray(found, np.float64).sum(axis=(1, 2, 3)) + bias[[1, 3, 0]]
    assert np.allclose(sums, nets.logits_of(model, x)[[0, 1, 2], [1, 3, 0]], atol=1e-5)


def test_the_relu_of_grad_cam_is_an_option():
    """`relu=True` is the positive part of what is returned without it."""
    model, x = nets.pooled(), nets.real(3, 9, 7, 3)
    every = np.tile(np.arange(4), (3, 1))
    signed = np.asarray(tba.attribute(model, x, every, method="grad_cam"))
    positive = np.asarray(tba.attribute(model, x, every, method="grad_cam", relu=True))
    assert (signed < 0).any() and np.array_equal(positive, np.maximum(signed, 0))


@pytest.mark.parametrize("method", AT_INPUTS)
def test_what_the_model_does_not_look_at_gets_nothing(method):
    """Values that are cropped away are exactly zero, the others are not."""
    crop = L.Cropping2D(((1, 0), (0, 2)))
    model = keras.Sequential([keras.Input((9, 8, 2)), crop, *nets.pooled((8, 6, 2)).layers])
    found = np.asarray(tba.attribute(model, nets.real(2, 9, 8, 2), 0, method=method))
    assert not found[:, :1].any() and not found[:, :, 6:].any()
    assert found[:, 1:, :6].any(axis=(0, 3)).all()


@pytest.mark.parametrize("method", AT_INPUTS)
def test_what_the_model_treats_alike_gets_the_same(method):
    """Exchanging two values of one size, that a symmetric model exchanges too, changes nothing."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            L.Lambda(lambda x: ops.stack([x[:, 0] + x[:, 1], x[:, 2] * x[:, 3]], axis=1)),
            L.Dense(4, activation="softplus"),
            L.Dense(3, activation="softmax"),
        ]
    )
    x = nets.real(3, 6)
    x[:, 1], x[:, 3] = x[:, 0], x[:, 2]
    found = np.asarray(tba.attribute(model, x, 1, method=method))
    assert np.allclose(found[:, 0], found[:, 1], rtol=1e-6)
    assert np.allclose(found[:, 2], found[:, 3], rtol=1e-6)
    assert found[:, :4].all()


def spellings():
    """One function, written as people write it: with a fused, separate, nested, bare softmax."""
    base = nets.flat()

    def rebuilt(head):
        body = keras.Sequential([keras.Input((16, 16, 3)), *nets.flat().layers[:-1]], name="body")
        i = keras.Input((16, 16, 3))
        return keras.Model(i, head(body(i)))

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.body = keras.Sequential([keras.Input((16, 16, 3)), *nets.flat().layers[:-1]])
            self.out = L.Dense(10, name="out")

        def call(self, x):
            return ops.softmax(self.out(self.body(x)))

    dense = lambda: L.Dense(10, name="out")  # noqa: E731
    models = {
        "nested": rebuilt(L.Dense(10, activation="softmax", name="out")),
        "layer": rebuilt(lambda x: L.Softmax()(dense()(x))),
        "activation": rebuilt(lambda x: L.Activation("softmax")(dense()(x))),
        "operation": rebuilt(lambda x: ops.softmax(dense()(x))),
        "lambda": rebuilt(lambda x: L.Lambda(lambda z: ops.softmax(z))(dense()(x))),
        "raw function": rebuilt(lambda x: L.Lambda(raw_softmax())(dense()(x))),
        "in a raw lambda": rebuilt(
            lambda x: L.Lambda(lambda z: raw_softmax()(z, -1), output_shape=(10,))(dense()(x))
        ),
        "reshaped": rebuilt(lambda x: L.Reshape((1, 10))(L.Softmax()(dense()(x)))),
        "subclassed": Own(),
        "logits": rebuilt(dense()),
    }
    models["subclassed"](np.zeros((1, 16, 16, 3), "float32"))
    for model in models.values():
        model.set_weights(base.get_weights())
    return base, models


def raw_softmax():
    """The backend's own, which no layer of Keras calls."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.nn.softmax
    if backend == "jax":
        import jax

        return jax.nn.softmax
    import torch

    def softmax(x, dim=-1):
        return torch.softmax(x, dim)

    return softmax


def test_however_the_function_is_written_its_maps_are_the_same():
    """Softmax fused, separate, in a Lambda, nested or left out: the maps are those of the logit."""
    base, models = spellings()
    x = nets.real(2, 16, 16, 3)
    for method in METHODS:
        options = FEW.get(method, {})
        expected = tba.attribute(base, x, [3, 8], method=method, **options)
        for name, model in models.items():
            found = tba.attribute(model, x, [3, 8], method=method, **options)
            assert furthest(found, expected) < 1e-6, (name, method)
            assert np.allclose(found.score, expected.score, rtol=1e-6), (name, method)
            assert found.output == ("value" if name == "logits" else "logit"), (name, method)


def test_nested_and_flat_models_agree_to_the_bit():
    """Nesting changes which layers are called, not one bit of the maps."""
    base, models = spellings()
    x = nets.real(2, 16, 16, 3)
    for method in METHODS:
        options = FEW.get(method, {})
        maps = [tba.attribute(m, x, method=method, **options) for m in (models["nested"], base)]
        assert np.array_equal(*(np.asarray(one) for one in maps))


def test_gradients_are_what_small_differences_show():
    """(S(x + h) − S(x − h)) / 2h at random values, in float64 to 1e-6 of the largest."""
    model, x = nets.smooth(DTYPE), nets.real(1, 6, 5, 2).astype(DTYPE)
    found = np.asarray(tba.attribute(model, x, 2, method="gradients"))
    assert found.dtype == DTYPE
    for place in np.random.default_rng(0).integers(0, (6, 5, 2), (12, 3)):
        nudge = np.zeros_like(x)
        nudge[(0, *place)] = STEP
        up, down = (nets.logits_of(model, x + sign * nudge)[0, 2] for sign in (1, -1))
        assert abs((up - down) / (2 * STEP) - found[(0, *place)]) < OFF * np.abs(found).max()


def test_gradients_at_a_layer_are_what_small_differences_there_show():
    """At an inner layer too: the rest of the network is fed with changed activations."""
    model, x = nets.smooth(DTYPE), nets.real(1, 6, 5, 2).astype(DTYPE)
    found = np.asarray(tba.attribute(model, x, 2, method="gradients", layer="conv"))
    here = tba.capture(model, x, "conv")["conv"]
    for place in np.random.default_rng(0).integers(0, here.shape[1:], (6, 3)):
        nudge = np.zeros_like(here)
        nudge[(0, *place)] = STEP
        up, down = (nets.logits_of(model, here + sign * nudge, "conv")[0, 2] for sign in (1, -1))
        assert abs((up - down) / (2 * STEP) - found[(0, *place)]) < OFF * np.abs(found).max()


def test_probabilities_are_explained_where_they_are_asked_for():
    """`output="probability"`: the gradient of p is p (dS − Σ p dS) of the logits."""
    model, x = nets.linear(), nets.real(2, 4, 5, 3)
    kernel, _ = weights(model)
    logits = nets.logits_of(model, x)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = tba.attribute(model, x, 1, method="gradients", output="probability")
    expected = p[:, [1]] * (kernel[:, 1] - p @ kernel.T)
    assert furthest(found, expected.reshape(x.shape)) < 1e-5
    assert np.allclose(found.score, p[:, 1], atol=1e-6) and found.output == "probability"


@pytest.mark.parametrize("method", METHODS)
def test_a_single_sigmoid_has_two_classes(method):
    """The maps of class 0 are those of class 1 with the other sign; probabilities sum to 1."""
    model = keras.Sequential([*nets.pooled(classes=1).layers[:-1], L.Dense(1, "sigmoid")])
    x = nets.real(3, 9, 7, 3)
    options = FEW.get(method, {})
    one, none, own = (tba.attribute(model, x, t, method=method, **options) for t in (1, 0, None))
    if method != "grad_cam_plus_plus":  # which knows positive weights alone
        assert np.array_equal(np.asarray(one), -np.asarray(none))
    assert np.allclose(one.probability + none.probability, 1)
    assert np.array_equal(own.target, (one.probability > 0.5).astype(int))
    assert one.output == "logit"
    assert np.allclose(one.score, np.log(one.probability / none.probability), atol=1e-4)


@pytest.fixture(scope="module")
def trained_finder():
    keras.utils.set_random_seed(2)
    model = nets.finder()
    x, y, _ = nets.hidden_patterns(400)
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=10, batch_size=50, verbose=0)
    x, y, masks = nets.hidden_patterns(40, seed=1)
    found = np.asarray(ops.convert_to_numpy(model(x))).argmax(axis=1)
    assert (found == y).mean() > 0.9, "the network did not learn; the test says nothing"
    return model, x, y, masks


@pytest.mark.parametrize("method", METHODS)
def test_maps_point_at_what_the_class_is(trained_finder, method):
    """The highest value lies in the quadrant of the pattern; a picture is wider than high."""
    model, x, y, masks = trained_finder
    options = {**FEW.get(method, {}), **({"steps": 8} if method == "integrated_gradients" else {})}
    found = np.asarray(tba.attribute(model, x, y, method=method, **options)).sum(axis=-1)
    rows, columns = (nets.HEIGHT // found.shape[1], nets.WIDTH // found.shape[2])
    found = found.repeat(rows, axis=1).repeat(columns, axis=2)
    hits = [masks[i].flat[found[i].argmax()] for i in range(len(x))]
    positive = np.maximum(found, 0)
    share = (positive * masks).sum() / positive.sum()
    assert np.mean(hits) >= 0.9, np.mean(hits)
    assert share > 0.5, share  # by chance: 0.25
