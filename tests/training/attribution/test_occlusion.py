"""Occlusion: block sums of a linear net, the whole image, borders, baselines and layouts."""

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


def occluded(model, x, target=1, **options):
    return tba.attribute(model, x, target, method="occlusion", **options)


def linear_products(x, baseline, classes, model):
    """w (x − x'), summed over the colours."""
    kernel = np.asarray(ops.convert_to_numpy(model.get_layer("out").weights[0]), np.float64)
    return ((x - baseline) * kernel.T[classes].reshape(x.shape)).sum(axis=-1)


def test_of_a_linear_net_a_patch_is_the_sum_of_its_block():
    """Each value is Σ w (x − x') of the patch over it; the last patches are cut off."""
    model, x = nets.linear((5, 7, 3)), nets.real(2, 5, 7, 3)
    products = linear_products(x, 0.5, [2, 0], model)
    found = np.asarray(occluded(model, x, [2, 0], patch=(2, 3), stride=(2, 3), baseline=0.5))
    assert found.shape == (2, 5, 7, 1)
    for top in (0, 2, 4):
        for left in (0, 3, 6):
            block = products[:, top : top + 2, left : left + 3]
            here = found[:, top : top + 2, left : left + 3, 0]
            assert np.allclose(here, block.sum(axis=(1, 2))[:, None, None], atol=1e-5)


def test_patches_that_overlap_are_averaged():
    """A value is the mean over the patches that cover it, not their sum."""
    model, x = nets.linear((6, 8, 3)), nets.real(2, 6, 8, 3)
    products = linear_products(x, 0, [1, 1], model)
    found = np.asarray(occluded(model, x, patch=4, stride=2, baseline=0))[..., 0]
    for y, z in ((0, 0), (3, 3), (5, 7), (2, 7)):
        starts = [
            (top, left)
            for top in range(0, 3, 2)
            for left in range(0, 5, 2)
            if top <= y < top + 4 and left <= z < left + 4
        ]
        blocks = [products[:, t : t + 4, k : k + 4].sum(axis=(1, 2)) for t, k in starts]
        assert np.allclose(found[:, y, z], np.mean(blocks, axis=0), atol=1e-5)


def test_a_patch_as_large_as_the_image_is_the_whole_difference():
    """S(x) − S(x') everywhere, and larger patches are cut to the image."""
    model, x = nets.smooth(), nets.real(3, 6, 5, 2)
    found = occluded(model, x, patch=9, baseline=0.25)
    there = nets.logits_of(model, np.full_like(x, 0.25))[:, 1]
    assert np.allclose(found.baseline_score, there, atol=1e-5)
    difference = (nets.logits_of(model, x)[:, 1] - there)[:, None, None, None]
    assert np.allclose(np.asarray(found), np.broadcast_to(difference, (3, 6, 5, 1)), atol=1e-5)
    assert found.gap is None


def test_what_hides_is_the_mean_of_the_examples_channels():
    """Unless a baseline is given: with the means given, the map is the same to the bit."""
    model, x = nets.smooth(), nets.real(3, 6, 5, 2)
    means = np.broadcast_to(x.mean(axis=(1, 2), keepdims=True, dtype=np.float64), x.shape)
    given = occluded(model, x, patch=2, baseline=means.astype("float32"))
    found = occluded(model, x, patch=2)
    assert np.array_equal(np.asarray(found), np.asarray(given))
    plain = np.full((1, 6, 5, 2), 0.75, "float32")  # is its own mean
    assert not np.asarray(occluded(model, plain)).any()


@pytest.mark.parametrize("sides", [(16, 24), (7, 3)])
def test_a_patch_is_an_eighth_of_a_side_unless_given(sides):
    """And its stride half of that, each at least 1: the same map as with both named."""
    model, x = nets.linear((*sides, 1)), nets.real(1, *sides, 1)
    patch = tuple(max(1, side // 8) for side in sides)
    stride = tuple(max(1, side // 2) for side in patch)
    named = occluded(model, x, patch=patch, stride=stride)
    assert np.array_equal(np.asarray(occluded(model, x)), np.asarray(named))


def test_slices_and_targets_change_nothing():
    """Passes of two rows, and several targets at once, give the same maps."""
    model, x = nets.smooth(), nets.real(2, 6, 5, 2)
    found = np.asarray(occluded(model, x))
    few = np.asarray(occluded(model, x, batch_size=2))
    several = np.asarray(occluded(model, x, [[0, 1], [1, 2]]))
    assert several.shape == (2, 2, 6, 5, 1)
    assert np.allclose(few, found, atol=1e-6)
    assert np.allclose(several[0, 1], found[0], atol=1e-6)
    assert np.allclose(several[1, 0], found[1], atol=1e-6)


def test_an_example_without_positions_hides_its_values_one_by_one():
    """A dense net: w (x − 0) of each; a patch of two hides neighbours together."""
    model = keras.Sequential([keras.Input((4,)), L.Flatten(), L.Dense(3, "softmax", name="out")])
    x = nets.real(2, 4)
    kernel = np.asarray(ops.convert_to_numpy(model.get_layer("out").weights[0]))
    products = x * kernel[:, 1]
    assert np.allclose(np.asarray(occluded(model, x)), products, atol=1e-5)
    pairs = products.reshape(2, 2, 2).sum(axis=2).repeat(2, axis=1)
    assert np.allclose(np.asarray(occluded(model, x, patch=2, stride=2)), pairs, atol=1e-5)


def test_a_layer_is_hidden_at_its_own_positions():
    """At a layer, patches hide what it returns, in the mean of its channels."""
    model, x = nets.pooled(), nets.real(2, 9, 7, 3)
    found = occluded(model, x, layer="conv", patch=(7, 5))
    assert found.layer == "conv" and np.asarray(found).shape == (2, 7, 5, 1)
    assert np.abs(np.asarray(found)).max() < 1e-5  # the mean over positions is all that counts


def test_several_inputs_are_hidden_one_after_another():
    """While a patch of one is hidden the others stay; the maps are nested as the inputs."""
    a, b = keras.Input((4,), name="a"), keras.Input((3, 2), name="b")
    x = L.Concatenate()([a, L.Flatten()(b)])
    model = keras.Model({"a": a, "b": b}, L.Dense(2, use_bias=False, name="out")(x))
    inputs = {"a": nets.real(2, 4), "b": nets.real(2, 3, 2)}
    found = occluded(model, inputs, patch=1, baseline=0)
    kernel = np.asarray(ops.convert_to_numpy(model.get_layer("out").weights[0]))[:, 1]
    assert np.allclose(found.values["a"], inputs["a"] * kernel[:4], atol=1e-5)
    products = (inputs["b"] * kernel[4:].reshape(3, 2)).sum(axis=-1, keepdims=True)
    assert np.allclose(found.values["b"], products, atol=1e-5)


def test_integers_that_are_no_numbers_are_refused_with_what_works():
    """Categories have no mean: the sentence names a layer, and that works."""
    model = keras.Sequential(
        [keras.Input((3,), dtype="int32"), L.CategoryEncoding(5, name="encode"), L.Dense(2)]
    )
    x = np.array([[0, 1, 2], [3, 3, 4]])
    with pytest.raises(ValueError, match="layer='encode'"):
        occluded(model, x, 0)
    assert np.asarray(occluded(model, x, 0, layer="encode")).any()


def test_pictures_of_bytes_are_hidden_by_their_mean():
    """Bytes that are rescaled are numbers: the map is that of the same picture as floats."""
    model = keras.Sequential(
        [keras.Input((6, 5, 2)), L.Rescaling(1 / 255), *nets.smooth().layers[1:]]
    )
    x = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 2)).astype("uint8")
    found = np.asarray(occluded(model, x))
    assert found.any()
    assert np.allclose(found, np.asarray(occluded(model, x.astype("float32"))), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"patch": 0}, "patch is 0; it must be None, a whole number above 0, or a tuple"),
        ({"stride": (2, 0.5)}, r"stride is \(2, 0.5\); it must be None, a whole number"),
        ({"patch": 2, "stride": 3}, r"stride is 3, longer than the patch, \[2, 2\]"),
        ({"patch": (2, 2, 2)}, r"patch is \(2, 2, 2\), and input has 2 axes to hide along, \[6, "),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, sentence):
    """The sentence names it, its value, and what is accepted."""
    with pytest.raises(ValueError, match=sentence):
        occluded(nets.smooth(), nets.real(1, 6, 5, 2), **options)
