"""Deletion and insertion curves: closed forms of linear models, random orders, every shape."""

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


def weighted(*weights: float, bias: float = 0.5):
    """One output: the sum of the values by these weights."""
    model = keras.Sequential([keras.Input((len(weights),)), L.Dense(1)])
    model.set_weights([np.array(weights, "float32")[:, None], np.array([bias], "float32")])
    return model


def test_a_linear_models_curves_are_sums_by_hand():
    """Hidden in the order of w · x, each value takes its own share of the score away."""
    model, x = weighted(3, -1, 2, 0), np.array([[1, 2, 4, 5]], "float32")  # w · x: 3, −2, 8, 0
    terms = tba.attribute(model, x, 0, method="gradient_x_input")
    found = tba.deletion_insertion(model, x, terms, steps=4, orders=50)
    assert found.output == "value"
    assert found.shares.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert np.allclose(found.deletion, [[9.5, 1.5, -1.5, -1.5, 0.5]])
    assert np.allclose(found.insertion, [[0.5, 8.5, 11.5, 11.5, 9.5]])
    assert np.allclose(found.deletion_area, [(9.5 / 2 + 1.5 - 1.5 - 1.5 + 0.5 / 2) / 4])
    assert np.allclose(found.insertion_area, [(0.5 / 2 + 8.5 + 11.5 + 11.5 + 9.5 / 2) / 4])
    assert found.random_deletion.shape == (50, 1, 5)
    assert (found.random_deletion_area >= found.deletion_area - 1e-6).all()
    assert (found.random_insertion_area <= found.insertion_area + 1e-6).all()
    assert abs(found.random_deletion_area.mean() - 5) < 1  # in the mean a straight line


def test_a_baseline_and_few_steps():
    """What is hidden becomes the baseline; several positions go at once."""
    model, x = weighted(1, 1, 1, 1, 1, bias=0), np.full((2, 5), 3, "float32")
    order = np.array([[5, 4, 3, 2, 1], [1, 2, 3, 4, 5]])
    found = tba.deletion_insertion(model, x, order, 0, baseline=1, steps=2, orders=1)
    assert found.shares.tolist() == [0, 0.4, 1]
    assert np.allclose(found.deletion, [[15, 11, 5]] * 2)
    assert np.allclose(found.insertion, [[5, 9, 15]] * 2)


def test_a_map_without_an_order_is_as_good_as_random():
    """Equal values go in a random order that the seed says, whatever the batches."""
    model, x = weighted(5, *[0.0] * 7, bias=0), np.ones((16, 8), "float32")
    told = {"steps": 4, "orders": 3, "batch_size": 256}
    flat = tba.deletion_insertion(model, x, np.zeros((16, 8)), 0, **told)
    again = tba.deletion_insertion(model, x, np.zeros((16, 8)), 0, **{**told, "batch_size": 99})
    assert np.allclose(flat.deletion, again.deletion, atol=1e-5)
    assert abs(flat.deletion_area.mean() - flat.random_deletion_area.mean()) < 1
    best = tba.deletion_insertion(model, x, x * np.arange(8)[::-1], 0, **{**told, "steps": 8})
    assert np.allclose(best.deletion_area, 5 / 16)
    assert str(best).splitlines()[1].split()[-5:] == ["100", "%", "of", "the", "maps"]
    assert best.to_markdown().count("\n") == 3
    assert np.shape(best.to_dict()["random_deletion_area"]) == (3, 16)


@pytest.mark.parametrize("sides", [(7,), (4, 5), (3, 4, 2)])
def test_positions_go_with_all_their_channels(sides):
    """1-D, 2-D and 3-D: a position's channels go together, whether a map has them or not."""
    model = keras.Sequential([keras.Input((*sides, 2)), L.Lambda(lambda x: x * x), L.Flatten()])
    x = nets.real(2, *sides, 2)
    total = lambda y: ops.sum(y, axis=1)  # noqa: E731
    by_channel = x * x
    found, alike = (
        tba.deletion_insertion(model, x, one, total, baseline=0, steps=int(np.prod(sides)))
        for one in (by_channel, by_channel.sum(-1))
    )
    each = -np.sort(-by_channel.sum(-1).reshape(2, -1), axis=1)
    expected = each.sum(1, keepdims=True) - np.pad(np.cumsum(each, 1), ((0, 0), (1, 0)))
    assert np.allclose(found.deletion, expected, atol=1e-4)
    assert np.allclose(alike.deletion, expected, atol=1e-4)
    assert np.allclose(found.insertion[:, -1], each.sum(1), rtol=1e-5)


def test_of_several_targets_each_map_has_its_curves():
    """`[n, k, …]`, of the probability of each map's own class, as the attribution has it."""
    model, x = nets.smooth(), 2 * nets.real(3, 6, 5, 2)
    maps = tba.attribute(model, x, "top2", method="gradient_x_input")
    found = tba.deletion_insertion(model, x, maps, steps=5, orders=2)
    assert found.deletion.shape == (3, 2, 6) and found.random_deletion.shape == (2, 3, 2, 6)
    assert found.output == "probability"
    assert np.allclose(found.deletion[..., 0], maps.probability, atol=1e-5)
    assert np.allclose(found.insertion[..., -1], maps.probability, atol=1e-5)
    alone = tba.deletion_insertion(
        model, x, np.asarray(maps)[:, 1], maps.target[:, 1], steps=5, orders=2
    )
    assert np.allclose(alone.deletion, found.deletion[:, 1], atol=1e-5)


def test_where_it_was_taken_is_where_it_is_changed():
    """Grad-CAM's coarse map over the input, a layer's at the layer; integers at the embedding."""
    model, x = nets.flat(), nets.real(2, 16, 16, 3)
    cam = tba.attribute(model, x, 1, method="grad_cam", layer="pool")
    whole = tba.deletion_insertion(model, x, cam, steps=4, orders=1)
    squares = np.kron(np.arange(64).reshape(8, 8)[None], np.ones((2, 1, 1)))
    assert whole.deletion.shape == (2, 5) and squares.shape == (2, 8, 8)
    tba.deletion_insertion(model, x, squares, 1, steps=4, orders=1)
    inner = tba.attribute(model, x, 1, method="gradients", layer="conv1")
    at_layer = tba.deletion_insertion(model, x, inner, baseline=0, steps=4, orders=1)
    assert np.allclose(at_layer.deletion[:, 0], whole.deletion[:, 0], atol=1e-5)
    assert not np.allclose(at_layer.deletion[:, -1], whole.deletion[:, -1], atol=1e-5)
    words = keras.Sequential([keras.Input((4,), dtype="int32"), L.Embedding(9, 3, name="embed"),
                              L.Flatten(), L.Dense(2, activation="softmax")])  # fmt: skip
    ids = np.array([[1, 2, 3, 4]])
    with pytest.warns(UserWarning, match="explained at the output of 'embed'"):
        found = tba.attribute(words, ids, 1, method="gradient_x_input")
    assert tba.deletion_insertion(words, ids, found, steps=4, orders=1).deletion.shape == (1, 5)


def test_values_of_several_inputs_share_one_order():
    """The first to go is the largest of both; a baseline may differ."""
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    model = keras.Model([a, b], ops.sum(L.Concatenate()([a, b]), axis=1, keepdims=True))
    x = [np.array([[1, 7]], "float32"), np.array([[4, 3, 9]], "float32")]
    found = tba.deletion_insertion(model, x, x, 0, steps=5, orders=1)
    assert np.allclose(found.deletion, [[24, 15, 8, 4, 1, 0]])
    found = tba.deletion_insertion(model, x, x, 0, baseline=[0, 1], steps=5, orders=1)
    assert np.allclose(found.deletion, [[24, 16, 9, 6, 4, 3]])


@pytest.mark.parametrize(
    ("argument", "value", "said"),
    [
        ("steps", 0, "steps is 0; it must be a whole number above 0"),
        ("orders", True, "orders is True; it must be"),
        ("output", "score", "output is 'score'; it may be 'logit' or 'probability'"),
        ("baseline", np.zeros(7), "baseline .* does not fit input"),
        ("attribution", np.zeros((2, 5)), r"attribution is \[2, 5\] .* may be \[2, 4\]"),
        ("attribution", np.zeros((3, 4)), r"attribution is \[3, 4\]"),
        ("attribution", np.array([["a"] * 4] * 2), "attribution is .* does not fit input"),
        ("attribution", [np.zeros((2, 4))] * 2, "attribution holds 2 arrays"),
        ("attribution", np.full((2, 4), np.nan), "attribution holds values that are not finite"),
        ("target", 3, "target 3 is out of range"),
    ],
)
def test_an_argument_that_does_not_fit_is_named(argument, value, said):
    """With what would fit."""
    given = {"attribution": np.zeros((2, 4)), argument: value}
    with pytest.raises(ValueError, match=said):
        tba.deletion_insertion(weighted(1, 2, 3, 4), np.ones((2, 4), "float32"), **given)


def test_the_function_that_an_attribution_explains_must_be_passed_again():
    """It holds no function."""
    model, x = weighted(1, 2), np.ones((1, 2), "float32")
    found = tba.attribute(model, x, lambda y: y[:, 0] * 2, method="gradients")
    with pytest.raises(ValueError, match="pass that function"):
        tba.deletion_insertion(model, x, found)
    curves = tba.deletion_insertion(model, x, found, lambda y: y[:, 0] * 2, steps=2, orders=1)
    assert np.allclose(curves.deletion, [[7, 3, 1]])


def test_what_is_wrong_with_what_was_given_is_said():
    """Values that are not finite, with their examples; a probability where there is none."""
    model, x = weighted(1, 2), np.ones((4, 2), "float32")
    x[[1, 3], 0] = np.nan, np.inf
    with pytest.warns(UserWarning, match=r"input holds .* in 2 of 4 examples \(the first: 1, 3\)"):
        tba.attribute(model, x, 0, method="gradients")
    with pytest.warns(UserWarning, match="output is 'probability', and no softmax or sigmoid"):
        found = tba.attribute(model, x[:1], 0, method="gradients", output="probability")
    assert found.output == "value" and len(found.remarks) == 1
