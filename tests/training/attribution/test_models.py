"""`attribute` on any model: targets, layers, inputs, and what is said where something is odd."""

from __future__ import annotations

import warnings

import attribution_nets as nets
import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops

import tb_activations as tba
from tb_activations.training.attribution import question
from tb_activations.training.keras.gradients import KerasExplained

METHODS = ("gradients", "gradient_x_input", "integrated_gradients", "grad_cam")


@pytest.fixture(autouse=True)
def same_weights():
    keras.utils.set_random_seed(5)


@pytest.fixture
def pooled():
    return nets.pooled(), nets.real(4, 9, 7, 3)


def few_steps(method, steps=4):
    """Options for where the number of steps does not matter."""
    return {"steps": steps} if method == "integrated_gradients" else {}


def same(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b))


# Targets


def test_no_target_is_the_class_predicted(pooled):
    """Each example's own, with its probability."""
    model, x = pooled
    for method in METHODS:
        found = tba.attribute(model, x, method=method, **few_steps(method))
        probabilities = np.asarray(ops.convert_to_numpy(model(x)))
        assert np.array_equal(found.target, probabilities.argmax(axis=1))
        assert np.allclose(found.probability, probabilities.max(axis=1), atol=1e-6)
        again = tba.attribute(model, x, found.target, method=method, **few_steps(method))
        assert same(found, again)


@pytest.mark.parametrize("method", METHODS)
def test_several_targets_of_an_example_have_an_axis(pooled, method):
    """`[n, k]` gives `[n, k, …, c]`, each the map of that one target."""
    model, x = pooled
    classes = np.array([[0, 2], [3, 1], [1, 2], [2, 0]])
    found = tba.attribute(model, x, classes, method=method, **few_steps(method))
    assert found.target.shape == found.score.shape == found.probability.shape == (4, 2)
    for k in range(2):
        alone = tba.attribute(model, x, classes[:, k], method=method, **few_steps(method))
        assert np.allclose(np.asarray(found)[:, k], np.asarray(alone), atol=1e-7)
        assert np.allclose(found.score[:, k], alone.score, atol=1e-6)


def test_the_top_three_are_the_most_probable(pooled):
    """In the order of their scores, each example's own."""
    model, x = pooled
    found = tba.attribute(model, x, "top3", method="gradients")
    expected = np.argsort(-nets.logits_of(model, x), axis=1)[:, :3]
    assert np.array_equal(found.target, expected) and np.asarray(found).shape == (4, 3, 9, 7, 3)


@pytest.mark.parametrize(
    "labels",
    [[2, 0, 1, 3], np.array([[2], [0], [1], [3]]), np.eye(4)[[2, 0, 1, 3]], [2.0, 0.0, 1.0, 3.0]],
    ids=["integers", "a column", "one-hot", "floats"],
)
def test_labels_come_with_the_data(pooled, labels):
    """`(x, y)` and "label": the class that the label names, however it is written."""
    model, x = pooled
    found = tba.attribute(model, (x, labels), "label", method="gradients")
    assert found.target.tolist() == [2, 0, 1, 3]
    assert same(found, tba.attribute(model, x, [2, 0, 1, 3], method="gradients"))


def test_a_generator_gives_its_first_batch(pooled):
    """Anything that yields pairs is taken as `fit` takes it."""
    model, x = pooled
    batches = ((x[i : i + 2], np.array([1, 3])) for i in range(0, 4, 2))
    found = tba.attribute(model, batches, "label", method="gradients")
    assert found.target.tolist() == [1, 3]


def test_a_function_of_the_outputs_is_a_target(pooled):
    """It is given logits, or probabilities where they are asked for, and returns `[n]`."""
    model, x = pooled
    contrast = tba.attribute(model, x, lambda y: y[:, 0] - y[:, 2], method="gradients")
    a, b = (np.asarray(tba.attribute(model, x, t, method="gradients")) for t in (0, 2))
    assert np.allclose(np.asarray(contrast), a - b, atol=1e-6) and contrast.target is None
    found = tba.attribute(model, x, lambda y: y[:, :1], method="gradients", output="probability")
    assert np.allclose(found.score, np.asarray(ops.convert_to_numpy(model(x)))[:, 0], atol=1e-6)


def test_any_unit_of_any_layer_is_a_target(pooled):
    """A function of two arguments sees the layers by name: the gradient is that unit's."""
    model, x = pooled
    unit = lambda outputs, layers: layers["conv"][:, 2, 3, 1]  # noqa: E731
    found = tba.attribute(model, x, unit, method="gradients")
    kernel = np.asarray(ops.convert_to_numpy(model.get_layer("conv").weights[0]))[..., 1]
    active = tba.capture(model, x, "conv")["conv"][:, 2, 3, 1] > 0
    expected = np.zeros_like(x)
    expected[:, 2:5, 3:6] = kernel * active[:, None, None, None]
    assert np.allclose(np.asarray(found), expected, atol=1e-6) and active.any()


def heads():
    i = keras.Input((5,))
    x = L.Dense(4, activation="relu", name="dense")(i)
    named = {
        "kind": L.Dense(3, activation="softmax", name="kind")(x),
        "price": L.Dense(1, name="price")(x),
    }
    return keras.Model(i, named), nets.real(2, 5)


def test_one_of_several_outputs_is_chosen_by_a_function():
    """Logits of a softmax head, the value of a regression."""
    model, x = heads()
    for choose in (lambda y: y["kind"][:, 1], lambda y: y["price"][:, 0]):
        found = tba.attribute(model, x, choose, steps=64)
        assert np.abs(found.gap).max() < 0.02 * np.abs(found.score - found.baseline_score).max()


REFUSED_TARGETS = {
    "a class too high": (4, "target 4 is out of range; the model has 4 classes, 0 to 3"),
    "a negative class": (-1, "target -1 is out of range; the model has 4 classes, 0 to 3"),
    "too many of the best": ("top5", "target 'top5': the model has 4 classes, 0 to 3"),
    "an unknown word": ("best", "target 'best' is unknown; it may be None"),
    "labels that are not there": ("label", "needs labels: pass x as (x, y)"),
    "a wrong count": ([1, 2], "target holds 2 classes for 4 examples"),
    "a fraction": (0.5, "target is 0.5; it may be None"),
    "one-hot rows": (np.eye(4, dtype=int), "for one-hot rows pass `y.argmax(axis=1)`"),
    "a function of one number": (lambda y: ops.sum(y), "it must return one score for each, [2]"),
}


@pytest.mark.parametrize("case", REFUSED_TARGETS)
def test_a_target_that_cannot_be_is_refused(pooled, case):
    """The sentence names the target, and what there is."""
    model, x = pooled
    target, sentence = REFUSED_TARGETS[case]
    with pytest.raises((ValueError, TypeError)) as e:
        tba.attribute(model, x, target, method="gradients")
    assert sentence in str(e.value)


def test_outputs_that_are_no_row_of_classes_ask_for_a_function():
    """The sentence shows the outputs, and a function that would do."""
    model, x = heads()
    with pytest.raises(ValueError, match=r'2 outputs .*outputs\["kind"\]\[:, 0\]'):
        tba.attribute(model, x, 0)
    i = keras.Input((6, 6, 1))
    mask = keras.Model(i, L.Conv2D(2, 1, activation="softmax")(i))
    with pytest.raises(ValueError, match=r"\[n, 6, 6, 2\] .*outputs\[:, 0, 0, 0\]"):
        tba.attribute(mask, nets.real(2, 6, 6, 1), 0)
    found = tba.attribute(mask, nets.real(2, 6, 6, 1), lambda y: y[:, 2, 3, 1], method="gradients")
    assert np.argwhere(np.asarray(found)[0, ..., 0]).tolist() == [[2, 3]]


# Methods and options


REFUSED_OPTIONS = {
    "no such method": ({"method": "shap"}, "no method 'shap'; there are 'gradients', "),
    "no such option": ({"step": 3}, "integrated_gradients has no option 'step'; it has steps, "),
    "no options": ({"method": "gradients", "steps": 3}, "gradients has no option 'steps'; it has"),
    "no steps": ({"steps": 0}, "steps is 0; it must be a whole number above 0"),
    "no such rule": ({"rule": "left"}, "rule is 'left'; it may be 'gauss_legendre' or 'midpoint'"),
    "no baseline": (
        {"method": "grad_cam", "baseline": 0},
        "grad_cam compares with no baseline; of the methods do: integrated_gradients, occlusion",
    ),
    "a baseline of another shape": (
        {"baseline": np.zeros((3, 3))},
        "baseline of shape [3, 3] does not fit input, whose examples are [9, 7, 3]",
    ),
    "no such output": ({"output": "softmax"}, "output is 'softmax'; it may be 'logit' or 'prob"),
    "no batch": ({"batch_size": 0}, "batch_size is 0; it must be a whole number above 0"),
    "no such layer": ({"layer": "conv9"}, "no layer 'conv9'; did you mean 'conv'? the model has "),
}


@pytest.mark.parametrize("case", REFUSED_OPTIONS)
def test_an_option_that_cannot_be_is_refused(pooled, case):
    """The sentence names it, its value, and what is accepted."""
    model, x = pooled
    options, sentence = REFUSED_OPTIONS[case]
    with pytest.raises((ValueError, TypeError)) as e:
        tba.attribute(model, x, **options)
    assert sentence in str(e.value)


def test_what_is_no_model_is_refused():
    """A function is not explained: the sentence says what is."""
    with pytest.raises(TypeError, match="must be a Keras model or layer"):
        tba.attribute(lambda x: x, nets.real(2, 3))


@pytest.mark.parametrize("x", [nets.real(0, 9, 7, 3), "cat.png", []])
def test_what_holds_no_example_is_refused(pooled, x):
    """Empty arrays and the path of a picture: the sentence names the argument."""
    with pytest.raises(ValueError, match=r"^x holds (no example|a single number or text)"):
        tba.attribute(pooled[0], x, method="gradients")


def test_inputs_of_unequal_length_are_refused():
    """Three rows of one input and two of the other: the sentence shows both."""
    a, b = keras.Input((4,), name="a"), keras.Input((5,), name="b")
    model = keras.Model({"a": a, "b": b}, L.Dense(2)(L.Concatenate()([a, b])))
    with pytest.raises(ValueError, match=r"unequal .*'a': float32 \[3, 4\], 'b': float32 \[2, 5\]"):
        tba.attribute(model, {"a": nets.real(3, 4), "b": nets.real(2, 5)})


@pytest.mark.parametrize("method", ["grad-cam", ["gradients"], None])
def test_a_method_that_there_is_not_names_those_that_there_are(pooled, method):
    """Misspelt, a list of methods, nothing: always the same sentence."""
    with pytest.raises(ValueError, match=r"^no method .*'grad_cam'"):
        tba.attribute(*pooled, method=method)


def test_the_layer_that_makes_the_softmax_is_refused():
    """Nothing of it stands behind the layer: the sentence says to choose one before."""
    model = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dense(2, "softmax", name="head")])
    with pytest.raises(ValueError, match=r"the softmax .* choose a layer before it"):
        tba.attribute(model, nets.real(2, 4), layer="head")


def test_a_method_with_its_options_is_one_object(pooled):
    """`AttributionMethod` checks its options when it is made, and is taken where a name is."""
    model, x = pooled
    method = tba.AttributionMethod("integrated_gradients", steps=8, target=1)
    assert method.options["steps"] == 8 and method.options["rule"] == "gauss_legendre"
    found = tba.attribute(model, x, method=method)
    assert same(found, tba.attribute(model, x, 1, steps=8)) and found.parameters["steps"] == 8
    assert tba.attribute(model, x, 2, method=method, steps=4).parameters["steps"] == 4
    with pytest.raises(ValueError, match="has no option 'sample'"):
        tba.AttributionMethod("integrated_gradients", sample=8)


# Layers


def towers():
    block = keras.Sequential([keras.Input((6, 6, 3)), L.Conv2D(3, 3, padding="same", name="conv")])
    i = keras.Input((6, 6, 3))
    x = L.ReLU(name="relu")(block(block(i)))
    x = L.Dense(2, activation="softmax", name="out")(L.Flatten()(x))
    return keras.Model(i, x), nets.real(2, 6, 6, 3)


def test_a_shared_layer_is_explained_at_one_of_its_calls():
    """Which call must be said; the two differ, and both are right by their gap."""
    model, x = towers()
    with pytest.raises(ValueError, match=r"'conv' chooses 2 outputs: '.*:1/conv', '.*:2/conv'"):
        tba.attribute(model, x, layer="conv")
    name = model.layers[1].name
    first, second = (tba.attribute(model, x, 1, layer=f"{name}:{call}/conv") for call in (1, 2))
    assert not np.allclose(first.values, second.values) and second.layer == f"{name}:2/conv"
    for found in (first, second):
        sums = np.asarray(found, np.float64).sum(axis=(1, 2, 3))
        assert np.allclose(sums + found.gap, found.score - found.baseline_score, atol=1e-5)
        assert np.abs(found.gap).max() < 0.05 * np.abs(found.score - found.baseline_score).max()


def test_the_channels_of_a_layer_are_explained(pooled):
    """Gradients, gradient × activation and integrated gradients there, in closed form."""
    model, x = pooled
    kernel, bias = (np.asarray(ops.convert_to_numpy(w)) for w in model.get_layer("out").weights)
    maps = tba.capture(model, x, "conv")["conv"]
    slope = np.broadcast_to(kernel[:, 1] / 35, maps.shape)
    found = {m: tba.attribute(model, x, 1, method=m, layer="conv") for m in METHODS[:3]}
    assert np.allclose(found["gradients"].values, slope, atol=1e-7)
    assert np.allclose(found["gradient_x_input"].values, maps * slope, atol=1e-6)
    assert np.allclose(found["gradient_x_input"].gap, bias[1], atol=1e-5)
    zero = tba.capture(model, np.zeros_like(x), "conv")["conv"]
    assert np.allclose(found["integrated_gradients"].values, (maps - zero) * slope, atol=1e-6)
    assert np.abs(found["integrated_gradients"].gap).max() < 1e-5


def test_grad_cam_takes_the_last_map_before_the_head():
    """After the activation, before what pools; a transformer's before its class token is read."""
    x = nets.real(2, 16, 16, 3)
    assert tba.attribute(nets.flat(), x, method="grad_cam").layer == "conv2"
    with pytest.raises(ValueError, match=r"'dense1' returns \[32\].*'gradient_x_input' works"):
        tba.attribute(nets.flat(), x, method="grad_cam", layer="dense1")
    tba.attribute(nets.flat(), x, method="gradient_x_input", layer="dense1")


def test_channels_first_and_last_have_the_same_maps():
    """The layout of the arrays differs, and nothing else."""
    keras.utils.set_random_seed(1)

    def net(data_format, shape):
        conv = L.Conv2D(4, 3, activation="relu", data_format=data_format, name="conv")
        pool = L.GlobalAveragePooling2D(data_format=data_format)
        return keras.Sequential([keras.Input(shape), conv, pool, L.Dense(3, "softmax")])

    last, first = net("channels_last", (6, 8, 2)), net("channels_first", (2, 6, 8))
    first.set_weights(last.get_weights())
    x = nets.real(2, 6, 8, 2)
    for method in METHODS:
        a = tba.attribute(last, x, 1, method=method, **few_steps(method))
        b = tba.attribute(first, np.moveaxis(x, -1, 1), 1, method=method, **few_steps(method))
        there = np.asarray(b)
        if method != "grad_cam":
            assert b.data_format == "channels_first"
            there = np.moveaxis(there, 1, -1)
        assert np.allclose(np.asarray(a), there, atol=1e-6), method


# Inputs


def test_several_inputs_are_explained_together():
    """The maps are nested as the inputs are, and account for the score together."""
    a, b = keras.Input((4,), name="a"), keras.Input((3, 2), name="b")
    x = L.Concatenate()([a, L.Flatten()(b)])
    model = keras.Model({"a": a, "b": b}, L.Dense(2, "softmax")(L.Dense(5, "softplus")(x)))
    inputs = {"a": nets.real(2, 4), "b": nets.real(2, 3, 2)}
    found = tba.attribute(model, inputs, 1, baseline={"a": 0.5, "b": np.ones((3, 2))})
    assert {k: v.shape for k, v in found.values.items()} == {"a": (2, 4), "b": (2, 3, 2)}
    assert found.of == ("input.a", "input.b")
    whole = sum(v.reshape(2, -1).sum(axis=1) for v in found.values.values())
    assert np.allclose(whole + found.gap, found.score - found.baseline_score, atol=1e-5)
    assert np.abs(found.gap).max() < 1e-4
    with pytest.raises(TypeError, match=r"maps of input\.a, input\.b: take one of `\.values`"):
        np.asarray(found)


def text_model():
    i = keras.Input((None,), dtype="int32")
    x = L.Embedding(12, 6, mask_zero=True, name="embed")(i)
    x = L.SimpleRNN(4, name="rnn")(x)
    return keras.Model(i, L.Dense(3, "softmax")(x)), np.array([[3, 5, 7, 0], [2, 2, 9, 4]])


@pytest.mark.parametrize("method", METHODS)
def test_integers_are_explained_at_their_embedding(method):
    """It is said, the layer is named, and what the mask hides gets nothing."""
    model, x = text_model()
    if method == "grad_cam":
        found = tba.attribute(model, x, 1, method=method)
    else:
        with pytest.warns(UserWarning, match="holds integers.*at the output of 'embed'"):
            found = tba.attribute(model, x, 1, method=method, **few_steps(method))
        assert found.remarks
    assert found.layer == "embed" and np.asarray(found).shape[:2] == (2, 4)
    assert np.asarray(found)[1].any()
    if method != "grad_cam":
        assert not np.asarray(found)[0, 3].any()


@pytest.mark.filterwarnings("ignore:.*holds integers")
def test_the_baseline_of_an_embedding_is_a_vector_or_integers():
    """Zero vectors unless given: a vector, or integers whose embedding is taken."""
    model, x = text_model()
    table = np.asarray(ops.convert_to_numpy(model.get_layer("embed").weights[0]))
    of = {
        name: tba.attribute(model, x, 1, baseline=baseline, steps=6)
        for name, baseline in {
            "integers": np.array([6, 6, 6, 6]),
            "a vector": table[6],
            "none": None,
            "zero": 0.0,
        }.items()
    }
    assert np.allclose(of["integers"].values, of["a vector"].values, atol=1e-7)
    assert same(of["none"], of["zero"]) and not same(of["none"], of["integers"])
    for found in of.values():
        assert np.abs(found.gap).max() < 1e-4


def test_integers_that_are_counted_name_a_layer_that_can_be_explained():
    """No gradient passes through a one-hot code: the sentence names the layer, and that works."""
    i = keras.Input((3,), dtype="int32")
    x = L.CategoryEncoding(6, output_mode="multi_hot", name="encode")(i)
    model, x = keras.Model(i, L.Dense(2, name="out")(x)), np.array([[1, 2, 3], [0, 5, 4]], "int32")
    for method in METHODS[:3]:
        with pytest.raises(ValueError, match=r"no gradient reaches input.*layer='encode'"):
            tba.attribute(model, x, 0, method=method)
        found = tba.attribute(model, x, 0, method=method, layer="encode")
        assert np.asarray(found).shape == (2, 6) and np.asarray(found).any()


def test_pictures_of_bytes_are_explained_as_numbers():
    """uint8 goes through a Rescaling as real numbers do: the maps are those of the floats."""
    pooled = nets.pooled().layers
    model = keras.Sequential([keras.Input((9, 7, 3)), L.Rescaling(1 / 255), *pooled])
    x = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 3)).astype("uint8")
    for method in METHODS:
        options = {"method": method, **few_steps(method)}
        found = tba.attribute(model, x, 1, **options)
        floats = tba.attribute(model, x.astype("float32"), 1, **options)
        assert np.allclose(found.values, floats.values, atol=1e-7) and np.asarray(found).any()


# What must be said


def test_an_output_that_ignores_the_input_is_said():
    """The maps are zero, and a warning says why they may be."""

    class Constant(L.Layer):
        def call(self, x):
            return ops.zeros_like(x[:, :2]) + 3.0

    model = keras.Sequential([keras.Input((4,)), Constant(), L.Dense(2, "softmax")])
    for method in METHODS[:3]:
        with pytest.warns(UserWarning, match="gradient of the target is zero everywhere at input"):
            found = tba.attribute(model, nets.real(3, 4), 1, method=method)
        assert not np.asarray(found).any() and "does not depend" in found.remarks[0]


def test_one_input_of_two_that_counts_for_nothing_is_said():
    """The one that matters is explained, the other is named."""
    a, b = keras.Input((4,)), keras.Input((3,))
    model = keras.Model([a, b], L.Dense(2, "softmax")(a) + 0 * ops.sum(ops.sign(b)))
    with pytest.warns(UserWarning, match=r"zero everywhere at input\.1"):
        found = tba.attribute(
            model, [nets.real(2, 4), nets.real(2, 3)], lambda y: y[:, 0], method="gradients"
        )
    assert found.values[0].any() and not found.values[1].any()


class Centred(L.Layer):
    """Mixes the examples of a batch."""

    def call(self, x):
        return x - 0.5 * ops.mean(x, axis=0, keepdims=True)


@pytest.mark.parametrize(
    ("method", "count"),
    [*((method, 2) for method in METHODS), ("integrated_gradients", 1)],
)
def test_a_layer_that_mixes_the_batch_is_said_and_each_example_explained_alone(method, count):
    """The maps are those of each example in a batch of its own."""
    inner = nets.pooled().layers
    model = keras.Sequential([keras.Input((9, 7, 3)), Centred(), *inner])
    x = nets.real(3, 9, 7, 3)
    with pytest.warns(UserWarning, match="mixes the examples of a batch"):
        found = tba.attribute(model, x[:count], 1, method=method, **few_steps(method))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(count):
            options = {"batch_size": 1, **few_steps(method)}
            alone = tba.attribute(model, x[i : i + 1], 1, method=method, **options)
            assert np.allclose(np.asarray(found)[i], np.asarray(alone)[0], atol=1e-6)


def test_batch_normalisation_at_rest_mixes_nothing():
    """In inference it uses its own statistics: nothing is said, and batches do not matter."""
    i = keras.Input((6, 6, 3))
    x = L.BatchNormalization()(L.Conv2D(4, 3, name="conv")(i))
    model = keras.Model(i, L.Dense(2, "softmax")(L.GlobalAveragePooling2D()(L.ReLU()(x))))
    x = nets.real(5, 6, 6, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        found = [tba.attribute(model, x, 1, batch_size=b, steps=3).values for b in (1, 2, 32)]
    assert np.allclose(found[0], found[2], atol=1e-6) and np.allclose(*found[1:], atol=1e-6)


def test_probabilities_without_a_softmax_are_said():
    """A softmax written by hand is not found: its probabilities are explained, and that is said."""
    i = keras.Input((5,))
    e = ops.exp(L.Dense(3)(i))
    model = keras.Model(i, e / ops.sum(e, axis=-1, keepdims=True))
    with pytest.warns(UserWarning, match="looks like probabilities, but the softmax"):
        found = tba.attribute(model, nets.real(2, 5), 1, method="gradients")
    assert found.output == "value" and found.probability is None


def test_gradients_of_half_precision_do_not_vanish():
    """Where float16 would round them to zero they are those of float32, to its precision."""

    def net(dtype):
        narrow = keras.initializers.RandomNormal(stddev=2e-3, seed=1)
        layers = [L.Dense(16, kernel_initializer=narrow, dtype=dtype) for _ in range(3)]
        return keras.Sequential([keras.Input((8,)), *layers, L.Dense(2, dtype="float32")])

    half, whole = net("mixed_float16"), net("float32")
    whole.set_weights(half.get_weights())
    x = nets.real(3, 8)
    found, expected = (
        np.asarray(tba.attribute(model, x, 1, method="gradients")) for model in (half, whole)
    )
    assert 0 < np.abs(expected).max() < 1e-6  # close to the smallest float16
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_nothing_is_left_behind_in_the_model():
    """Weights, seeds, losses and the layers' calls are what they were, to the bit."""
    i = keras.Input((6, 6, 3))
    x = L.Dropout(0.5)(L.BatchNormalization()(L.Conv2D(4, 3, activity_regularizer="l2")(i)))
    model = keras.Model(i, L.Dense(2, "softmax")(L.GlobalAveragePooling2D()(x)))
    model(nets.real(2, 6, 6, 3))
    before = [np.array(ops.convert_to_numpy(v)) for v in model.variables]
    losses, call = len(model.losses), keras.Layer.__call__
    state = np.random.get_state()[1].copy()
    for method in METHODS:
        tba.attribute(model, nets.real(2, 6, 6, 3), method=method, **few_steps(method))
    after = [np.array(ops.convert_to_numpy(v)) for v in model.variables]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert len(model.losses) == losses and keras.Layer.__call__ is call
    assert np.array_equal(np.random.get_state()[1], state)


def test_a_model_of_a_fixed_batch_is_explained_in_such_batches():
    """Five examples of a model that was declared with batches of two."""
    model = keras.Sequential(
        [keras.Input(batch_shape=(2, 5, 3)), L.SimpleRNN(4, stateful=True), L.Dense(3, "softmax")]
    )
    x = nets.real(5, 5, 3)
    found = tba.attribute(model, x, 1, steps=6)
    assert np.abs(found.gap).max() < 2e-3 and found.values.shape == x.shape
    last = tba.attribute(model, x[4:], 1, steps=6)
    assert np.allclose(found.values[4:], last.values, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_each_example_of_a_stateful_model_goes_on_from_its_own_state(count):
    """An example has its place in the batch, and with it its state, in every pass."""
    rnn = L.SimpleRNN(4, stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(2, 5, 3)), rnn, L.Dense(2, "softmax")])
    x = nets.real(2, 5, 3)
    model(3 * x)  # leaves a state in each place
    state = np.asarray(ops.convert_to_numpy(rnn.states[0]))
    every = np.tile([1, 0], (2, 1))[:, :count] if count < 3 else 1
    found = tba.attribute(model, x, every, steps=8)
    assert np.abs(found.gap).max() < 1e-2 * np.abs(found.score - found.baseline_score).max()
    assert np.array_equal(np.asarray(ops.convert_to_numpy(rnn.states[0])), state)


def test_a_pass_is_bounded_in_rows_and_in_bytes(pooled, monkeypatch):
    """No pass takes more rows than `batch_size`, or than its activations may take bytes."""
    model, x = pooled
    rows, run = [], KerasExplained.run

    def noted(self, inputs, classes, *args, **kwargs):
        rows.append(len(classes))
        return run(self, inputs, classes, *args, **kwargs)

    monkeypatch.setattr(KerasExplained, "run", noted)
    whole = tba.attribute(model, x, 1, batch_size=16)
    assert max(rows) <= 16 and sum(rows) >= 4 * 32
    size = KerasExplained(model, x).survey.row_bytes
    assert size >= 4 * (7 * 5 * 6 + 6 + 4)  # what the three layers return, in float32
    rows.clear()
    monkeypatch.setattr(question, "MAX_PASS_BYTES", 3 * size)
    assert np.allclose(tba.attribute(model, x, 1).values, whole.values, atol=1e-6)
    assert max(rows) <= 3 + 1  # one more where the batch is tested for mixing
