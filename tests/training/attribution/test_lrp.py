"""Layer-wise relevance propagation: conservation, its limits, rules by hand, folded BatchNorm."""

from __future__ import annotations

import attribution_nets as nets
import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops
from lrp_rules import RULES

import tb_activations as tba


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(5)


def relevance(model, x, target=1, **options):
    return tba.attribute(model, x, target, method="lrp", **options)


def pictures(*shape):
    return np.random.default_rng(1).random(shape, "float32")


def bias_free():
    return keras.Sequential(
        [
            keras.Input((8, 10, 2)),
            L.Conv2D(5, 3, activation="relu", padding="same", use_bias=False, name="conv1"),
            L.MaxPooling2D(),
            L.Conv2D(6, 3, activation="relu", use_bias=False, name="conv2"),
            L.Flatten(),
            L.Dense(7, activation="relu", use_bias=False, name="hidden"),
            L.Dense(3, activation="softmax", use_bias=False, name="out"),
        ]
    )


@pytest.mark.parametrize("rule", RULES)
def test_without_biases_the_score_is_shared_out_whole(rule):
    """The sum of the relevance is the score, at the inputs and at every layer."""
    model, x = bias_free(), pictures(3, 8, 10, 2)
    for layer in (None, "conv1", "hidden"):
        found = relevance(model, x, layer=layer, **RULES[rule])
        sums = np.asarray(found, np.float64).reshape(3, -1).sum(axis=1)
        assert np.allclose(sums, found.score, rtol=1e-4, atol=1e-6), layer
        assert np.allclose(found.gap, found.score - sums, atol=1e-5)


def test_for_a_small_epsilon_it_is_gradient_x_input():
    """In a net of ReLUs and max pooling, biases included."""
    model, x = nets.flat(), nets.real(3, 16, 16, 3)
    model.set_weights([w + 0.02 * nets.real(*w.shape) for w in model.get_weights()])
    product = np.asarray(tba.attribute(model, x, 1, method="gradient_x_input"))
    found = np.asarray(relevance(model, x, epsilon=0, gamma=0))
    assert np.abs(found - product).max() < 1e-5 * np.abs(product).max()


def test_of_z_plus_nothing_is_negative():
    """Where inputs and the score are positive, each value's relevance is, too."""
    model, x = bias_free(), pictures(4, 8, 10, 2)
    found = relevance(model, x, None, **RULES["z+"])
    good = found.score > 0
    assert good.any() and (np.asarray(found)[good] >= 0).all()
    assert (np.asarray(relevance(model, x, None, gamma=0))[good] < 0).any()


def test_gamma_favours_what_has_the_sign_of_the_output():
    """By hand: (x w + γ (x w)± ) / (z + γ z±) R, for outputs of either sign, with the bias."""
    model = keras.Sequential(
        [
            keras.Input((6,)),
            L.Dense(4, "tanh", bias_initializer="normal", name="hidden"),
            L.Dense(2, name="out"),
        ]
    )
    x, gamma = nets.real(3, 6), 0.25
    layers = [[np.asarray(ops.convert_to_numpy(w), np.float64) for w in layer.weights]
              for layer in model.layers]  # fmt: skip
    values, stages = x.astype(np.float64), []
    for w, b in layers:
        stages.append((values, w, b, values @ w + b))
        values = np.tanh(stages[-1][3])
    share = np.zeros((3, 2))
    share[:, 1] = stages[-1][3][:, 1]
    for values, w, b, z in reversed(stages):
        terms = values[:, :, None] * w
        own = np.where(z[:, None] >= 0, np.maximum(terms, 0), np.minimum(terms, 0))
        own_bias = np.where(z >= 0, np.maximum(b, 0), np.minimum(b, 0))
        below = z + gamma * (own.sum(axis=1) + own_bias)
        share = ((terms + gamma * own) * (share / below)[:, None]).sum(axis=2)
    found = relevance(model, x, gamma=gamma, dense=True)
    assert np.abs(np.asarray(found) - share).max() < 1e-4 * np.abs(share).max()


def folded(model):
    """The convolution's weights with the normalisation in them."""
    conv, norm = model.get_layer("conv"), model.get_layer("norm")
    gamma, beta, mean, variance = norm.get_weights()
    kernel, bias = conv.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return [kernel * scale, (bias - mean) * scale + beta]


@pytest.mark.parametrize("rule", RULES)
def test_batch_normalisation_is_folded(rule):
    """Maps are those of one convolution with the merged weights; scales have either sign."""

    def net(*norm):
        conv = L.Conv2D(6, 3, name="conv")
        head = (L.ReLU(), L.GlobalAveragePooling2D(), L.Dense(3, name="out"))
        return keras.Sequential([keras.Input((7, 6, 2)), conv, *norm, *head])

    model, plain = net(L.BatchNormalization(name="norm")), net()
    values = [nets.real(*w.shape, seed=i) for i, w in enumerate(model.get_weights())]
    values[5] = np.abs(values[5]) + 0.1  # the variance
    model.set_weights(values)
    plain.set_weights([*folded(model), *values[-2:]])
    x = pictures(3, 7, 6, 2)
    found, wanted = (np.asarray(relevance(one, x, **RULES[rule])) for one in (model, plain))
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()


def transformer():
    """Two blocks without biases: attention, GELU, LayerNormalization."""
    i = keras.Input((5, 4))
    x = L.Dense(8, use_bias=False)(i)
    for _ in range(2):
        y = L.LayerNormalization(center=False)(x)
        x = L.Add()([x, L.MultiHeadAttention(2, 4, use_bias=False)(y, y)])
        y = L.LayerNormalization(center=False)(x)
        y = L.Dense(12, "gelu", use_bias=False)(y)
        x = L.Add()([x, L.Dense(8, use_bias=False)(y)])
    x = L.GlobalAveragePooling1D()(L.LayerNormalization(center=False)(x))
    return keras.Model(i, L.Dense(3, "softmax", use_bias=False)(x))


def test_attention_and_deviations_are_held():
    """A transformer without biases shares the score out whole; the plain product does not."""
    model, x = transformer(), nets.real(3, 5, 4)
    found = relevance(model, x, gamma=0)
    assert np.abs(found.gap).max() < 1e-3 * np.abs(found.score).max()
    product = tba.attribute(model, x, 1, method="gradient_x_input")
    assert np.abs(product.gap).max() > 1e-2 * np.abs(found.score).max()


def test_the_layout_of_channels_changes_nothing():
    """channels_first gives the same relevance, its axes moved."""

    def net(data_format, shape):
        conv = L.Conv2D(4, 3, activation="relu", data_format=data_format,
                        bias_initializer="normal")  # fmt: skip
        pool = L.GlobalAveragePooling2D(data_format=data_format)
        return keras.Sequential([keras.Input(shape), conv, pool, L.Dense(3, "softmax")])

    last, first = net("channels_last", (6, 8, 2)), net("channels_first", (2, 6, 8))
    first.set_weights(last.get_weights())
    x = nets.real(2, 6, 8, 2)
    found = np.moveaxis(np.asarray(relevance(first, np.moveaxis(x, -1, 1))), 1, -1)
    assert np.allclose(found, np.asarray(relevance(last, x)), atol=1e-6)


def test_a_sigmoid_and_gates_leave_the_score_as_it_is():
    """The logit of one sigmoid, behind a gate that is multiplied in, whose score is not changed."""
    i = keras.Input((6,))
    x = L.Dense(5, "silu")(i)
    x = L.Multiply()([x, L.Dense(5, "sigmoid")(x)])
    model = keras.Model(i, L.Dense(1, "sigmoid")(x))
    x = nets.real(3, 6)
    found, plain = relevance(model, x), tba.attribute(model, x, 1, method="gradients")
    assert np.array_equal(found.score, plain.score)
    assert np.array_equal(found.probability, plain.probability)


def test_gates_are_refused_with_what_works():
    """An LSTM has no rule: the sentence names it and gradient × input, which works."""
    model = keras.Sequential([keras.Input((4, 3)), L.LSTM(5, name="memory"), L.Dense(2)])
    x = nets.real(2, 4, 3)
    with pytest.raises(ValueError, match=r"^lrp .*LSTM 'memory': method='\w+' works here$"):
        relevance(model, x)
    assert np.asarray(tba.attribute(model, x, 1, method="gradient_x_input")).any()


def test_what_works_is_said_as_it_must_be_asked():
    """Behind categories no input has a gradient: the sentence names a layer, and that works."""
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            L.CategoryEncoding(5, output_mode="one_hot", name="encode"),
            L.SimpleRNN(5),
            L.Dense(2),
        ]
    )
    x = np.array([[1, 2, 3, 0], [0, 4, 4, 1]])
    works = r"method='gradient_x_input' with layer='encode' works here$"
    with pytest.raises(ValueError, match=works):
        relevance(model, x)
    found = tba.attribute(model, x, 1, method="gradient_x_input", layer="encode")
    assert np.asarray(found).any()
    with pytest.raises(ValueError, match=r"method='gradient_x_input' works here$"):
        relevance(model, x, layer="encode")


def test_attention_scores_that_are_returned_are_logits_of_their_own():
    """A model that returns them beside its values shares out a score of either."""
    i = keras.Input((5, 8))
    layer = L.MultiHeadAttention(2, 4, use_bias=False)
    model = keras.Model(i, list(layer(i, i, return_attention_scores=True)))
    x = nets.real(2, 5, 8)
    values = relevance(model, x, lambda outputs: ops.sum(outputs[0], axis=(1, 2)))
    assert np.abs(values.gap).max() < 1e-4 * np.abs(values.score).max()
    scores = relevance(model, x, lambda outputs: outputs[1][:, 0, 0, 1])
    assert np.asarray(scores).any()


def test_bounds_that_no_layer_can_use_are_said():
    """Where the input is rescaled first, no layer with a rule takes it itself."""
    body = bias_free().layers
    model = keras.Sequential([keras.Input((8, 10, 2)), L.Rescaling(2.0), *body])
    with pytest.warns(UserWarning, match="bounds were of no use"):
        found = relevance(model, pictures(2, 8, 10, 2), bounds=(0, 1))
    assert len(found.remarks) == 1


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"epsilon": -1}, ValueError, "epsilon is -1; it must be a number, 0 or above"),
        ({"gamma": float("nan")}, ValueError, "gamma is nan; it must be a number, 0 or above"),
        ({"dense": 1}, TypeError, "dense is 1; it may be True or False"),
        ({"bounds": (1, 0)}, ValueError, "bounds is .*it must be None, or the lowest and the hi"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, kind, sentence):
    """The sentence names it, its value, and what is accepted."""
    with pytest.raises(kind, match=sentence):
        tba.AttributionMethod("lrp", **options)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_relevance_in_mixed_precision_is_near(policy):
    """Convolutions, normalised or not, and dense layers that compute in half of the bits."""

    def net(dtype):
        keras.utils.set_random_seed(2)
        return keras.Sequential(
            [
                keras.Input((8, 8, 3)),
                L.Conv2D(6, 3, activation="relu", dtype=dtype),
                L.Conv2D(5, 3, use_bias=False, dtype=dtype),
                L.BatchNormalization(dtype=dtype),
                L.ReLU(dtype=dtype),
                L.Flatten(dtype=dtype),
                L.Dense(3, activation="softmax", dtype="float32"),
            ]
        )

    half, whole = net(policy), net("float32")
    whole.set_weights(half.get_weights())
    x = np.random.default_rng(1).random((2, 8, 8, 3), "float32")
    for options in ({}, {"dense": True, "bounds": (0, 1)}):
        found, expected = (
            np.asarray(tba.attribute(model, x, 1, method="lrp", **options))
            for model in (half, whole)
        )
        assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()
