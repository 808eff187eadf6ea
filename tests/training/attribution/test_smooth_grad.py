"""SmoothGrad: closed forms, the size of its error, and noise that comes from the seed alone."""

from __future__ import annotations

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


def smoothed(model, x, target=1, **options):
    return tba.attribute(model, x, target, method="smooth_grad", **options)


def test_of_a_linear_net_it_is_the_weights_without_an_error():
    """Whatever the noise, each map is the row of weights to the bit, and its error zero."""
    model, x = nets.linear(), nets.real(3, 4, 5, 3)
    kernel = np.asarray(ops.convert_to_numpy(model.get_layer("out").weights[0]))
    found = smoothed(model, x, [2, 0, 1], samples=7)
    assert np.array_equal(np.asarray(found), kernel.T[[2, 0, 1]].reshape(x.shape))
    assert found.standard_error.shape == x.shape and not found.standard_error.any()
    assert found.gap is None and found.parameters == {"samples": 7, "noise": 0.15}


def test_without_noise_it_is_the_gradient():
    """`noise=0` gives the gradients, whatever the number of samples."""
    model, x = nets.smooth(), nets.real(3, 6, 5, 2)
    plain = np.asarray(tba.attribute(model, x, 1, method="gradients"))
    found = smoothed(model, x, samples=3, noise=0)
    assert np.array_equal(np.asarray(found), plain)
    assert found.standard_error.shape == x.shape and not found.standard_error.any()


def test_of_a_square_it_is_the_slope_at_the_mean_of_the_noise():
    """S = x², so that the map is 2 (x + mean e): the deviation of e is the share of the range."""
    model = keras.Sequential([keras.Input((400,)), L.Lambda(lambda x: x * x)])
    x = np.random.default_rng(0).uniform(-1, 3, (2, 400)).astype("float32")
    found = smoothed(model, x, lambda y: ops.sum(y, axis=1), samples=64, noise=0.1)
    off = (np.asarray(found, np.float64) / 2 - x) * np.sqrt(64)
    sizes = 0.1 * (x.max(axis=1) - x.min(axis=1))
    assert np.allclose(off.std(axis=1), sizes, rtol=0.15)
    assert np.allclose(found.standard_error.mean(axis=1) / 2, sizes / 8, rtol=0.05)


def test_the_error_says_how_far_the_mean_is_off():
    """Beside a mean of many samples: 1/√n, as the standard error predicts."""
    model, x = nets.smooth(), 2 * nets.real(2, 6, 5, 2)
    best = np.asarray(smoothed(model, x, samples=2048, seed=99))
    for n in (4, 16, 64):
        found = smoothed(model, x, samples=n)
        off = np.sqrt(((np.asarray(found) - best) ** 2).mean())
        predicted = np.sqrt((found.standard_error**2).mean())
        assert 0.7 < off / predicted < 1.4, n


def test_the_noise_comes_from_the_seed_alone():
    """Slices, targets and global generators change nothing; another seed changes the map."""
    model, x = nets.smooth(), nets.real(3, 6, 5, 2)
    before = np.random.get_state()[1].copy()
    found = np.asarray(smoothed(model, x, samples=5))
    assert np.array_equal(np.random.get_state()[1], before)
    np.random.seed(7)
    sliced = np.asarray(smoothed(model, x, samples=5, batch_size=2))
    several = np.asarray(smoothed(model, x, [[1, 0]] * 3, samples=5))[:, 0]
    one = np.asarray(smoothed(model, x[:1], samples=5))
    for other in (sliced, several, one):
        assert np.allclose(other, found[: len(other)], atol=1e-6 * np.abs(found).max())
    assert not np.allclose(np.asarray(smoothed(model, x, samples=5, seed=1)), found, atol=1e-3)


def test_noise_is_added_where_the_attribution_is_taken():
    """At a layer the layer's own values get the noise, of its own range."""
    model, x = nets.smooth(), nets.real(2, 6, 5, 2)
    found = smoothed(model, x, layer="conv", samples=4)
    assert found.layer == "conv" and np.asarray(found).shape == (2, 4, 3, 5)
    assert found.standard_error.any()


def test_an_example_of_one_value_is_said():
    """It has no range, hence no noise; its map is the gradient."""
    model, x = nets.smooth(), np.full((1, 6, 5, 2), 0.5, "float32")
    with pytest.warns(UserWarning, match="no range, so that no noise was added"):
        found = np.asarray(smoothed(model, x, samples=3))
    plain = np.asarray(tba.attribute(model, x, 1, method="gradients"))
    assert np.allclose(found, plain, atol=1e-6 * np.abs(plain).max())


@pytest.mark.filterwarnings("ignore:.*(no numbers|zero everywhere)")
@pytest.mark.parametrize(
    ("method", "options"),
    [("smooth_grad", {}), ("occlusion", {}), ("occlusion", {"baseline": {"i": 5, "f": 0}})],
)
def test_categories_beside_numbers_have_no_noise_and_no_mean(method, options):
    """Noise or a mean would make another category: they stay, unless a baseline is given."""
    i, f = keras.Input((3,), dtype="int32", name="i"), keras.Input((4,), name="f")
    encoded = keras.layers.CategoryEncoding(6, output_mode="multi_hot")(i)
    both = keras.layers.Concatenate()([encoded, f])
    model = keras.Model({"i": i, "f": f}, keras.layers.Dense(2)(both))
    x = {"i": np.array([[1, 2, 3], [0, 5, 4]], "int32"), "f": nets.real(2, 4)}
    found = tba.attribute(model, x, 0, method=method, **options)
    assert found.values["f"].any() and found.values["i"].any() == bool(options)


def test_a_model_that_mixes_examples_is_found_with_one_example():
    """Samples of one example would change each other: each is taken alone, and it is said."""

    class Centred(L.Layer):
        def call(self, x):
            return x - ops.mean(x, axis=0, keepdims=True) * 0.5

    model = keras.Sequential([keras.Input((5,)), Centred(), L.Dense(4, "tanh"), L.Dense(2)])
    x = nets.real(1, 5)
    with pytest.warns(UserWarning, match="mixes the examples of a batch"):
        found = np.asarray(smoothed(model, x, 0, samples=4))
    assert np.allclose(found, np.asarray(smoothed(model, x, 0, samples=4, batch_size=1)))


@pytest.mark.parametrize(
    ("option", "value", "accepted"),
    [
        ("samples", 0, "it must be a whole number above 0"),
        ("noise", -0.1, "it must be a number, 0 or above"),
        ("noise", float("nan"), "it must be a number, 0 or above"),
        ("noise", True, "it must be a number, 0 or above"),
    ],
)
def test_an_option_that_cannot_be_is_refused(option, value, accepted):
    """The sentence names it, its value, and what is accepted."""
    with pytest.raises(ValueError, match=f"^{option} is {value!r}; {accepted}"):
        tba.AttributionMethod("smooth_grad", **{option: value})
