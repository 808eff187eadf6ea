"""What is seen on request: before an activation, inside TimeDistributed; and reversed halves."""

from __future__ import annotations

import keras
import model_zoo
import numpy as np
import pytest
from keras import layers as L
from keras import ops
from training.keras.test_callback import quiet, read

import tb_activations as tba

X = model_zoo.real(4, 8, 8, 3)


def logged(tmp_path, model, x, layers):
    """The callback's values after an epoch, and `capture`'s."""
    model.compile("sgd", lambda y, y_pred: ops.mean(y_pred))
    options = {"precision": "float32", "log_inputs": False, "receptive_fields": False}
    callback = quiet(tmp_path, x, layers, **options)
    model.fit(x, np.zeros(len(x)), verbose=0, callbacks=[callback])
    log = {tag: records[1][1] for tag, records in read(tmp_path).items()}
    return log, tba.capture(model, x, layers)


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def convnet():
    layers = [
        keras.Input((8, 8, 3)),
        L.Conv2D(4, 3, activation="relu", name="conv"),
        L.SeparableConv2D(4, 3, activation=L.LeakyReLU(name="leaky"), name="separable"),
        L.Flatten(),
        L.Dense(2, activation="softmax", name="dense"),
    ]
    return keras.Sequential(layers)


def test_values_before_the_fused_activation_are_seen_on_request(tmp_path):
    """Of a convolution, of one whose activation is a layer, and of a dense layer."""
    model = convnet()
    asked = ["before_activation", "conv", "dense"]
    log, values = logged(tmp_path, model, X, asked)
    names = [
        "conv/before_activation",
        "conv",
        "separable/before_activation",
        "dense/before_activation",
        "dense",
    ]
    assert list(values) == list(log) == names
    for name in names:
        close(log[name], values[name])
    conv = model.get_layer("conv")
    right = as_numpy(ops.conv(X, conv.kernel) + conv.bias)
    close(values["conv/before_activation"], right)
    assert (right < 0).any()
    close(values["conv"], np.maximum(right, 0))
    close(values["dense"], as_numpy(ops.softmax(values["dense/before_activation"])))


def as_numpy(value):
    return np.asarray(keras.ops.convert_to_numpy(value))


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (None, ["conv", "separable/leaky", "dense"]),
        ("c*", ["conv"]),
        (L.Conv2D, ["conv"]),
        ("conv/before_activation", ["conv/before_activation"]),
        ("d*/before_activation", ["dense/before_activation"]),
    ],
)
def test_they_are_never_seen_unless_their_own_name_asks_for_them(asked, names):
    model = convnet()
    activation = model.get_layer("conv").activation
    assert list(tba.capture(model, X, asked)) == names
    assert model.get_layer("conv").activation is activation


def test_a_layer_without_activation_has_nothing_before_it():
    model = keras.Sequential([keras.Input((4,)), L.LayerNormalization(name="norm")])
    with pytest.raises(ValueError, match="no layer 'norm/before_activation'"):
        tba.capture(model, model_zoo.real(2, 4), "norm/before_activation")


def test_frames_inside_time_distributed_are_maps_of_their_own(tmp_path):
    """Nested, with what comes before an activation, and channels first where they are."""
    inner = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(4, 3, activation="relu", name="conv"),
            L.GlobalAveragePooling2D(name="pool"),
        ],
        name="inner",
    )
    model = keras.Sequential([keras.Input((5, 8, 8, 3)), L.TimeDistributed(inner, name="frames")])
    x = model_zoo.real(4, 5, 8, 8, 3)
    asked = ["frames/inner/conv", "before_activation", "pool", "frames"]
    log, values = logged(tmp_path, model, x, asked)
    conv = "frames/inner/conv"
    assert list(values) == [f"{conv}/before_activation", conv, "frames/inner/pool", "frames"]
    assert list(log) == list(values)
    right = np.stack([as_numpy(inner.get_layer("conv")(x[:, t])) for t in range(5)], axis=1)
    close(values[conv], right)
    close(np.maximum(values[f"{conv}/before_activation"], 0), right)
    close(values["frames/inner/pool"], values["frames"])
    for name in values:
        close(log[name], values[name])
    assert list(tba.capture(model, x)) == ["frames"]


def test_frames_of_any_number_are_looked_into():
    i = keras.Input((None, 4))
    model = keras.Model(i, L.TimeDistributed(L.Dense(3, name="dense"), name="frames")(i))
    x = model_zoo.real(2, 6, 4)
    values = tba.capture(model, x, ["dense", "frames"])
    assert list(values) == ["frames/dense", "frames"]
    close(values["frames/dense"], values["frames"])


def test_a_layer_that_looks_past_its_frame_is_refused_inside():
    class AcrossBatch(L.Layer):
        def call(self, x):
            return x - ops.mean(x, axis=0)

        def compute_output_shape(self, shape):
            return shape

    i = keras.Input((5, 4))
    inner = AcrossBatch(name="across")
    model = keras.Model(i, L.TimeDistributed(inner, name="frames")(i))
    with pytest.raises(ValueError, match=r"inside a loop of 'frames'.* ask for 'frames'"):
        tba.capture(model, model_zoo.real(2, 5, 4), "across")


@pytest.mark.parametrize("state", [False, True])
def test_the_backward_half_of_a_bidirectional_is_in_the_order_of_its_output(tmp_path, state):
    i = keras.Input((6, 3))
    both = L.Bidirectional(L.SimpleRNN(4, return_sequences=True, return_state=state), name="both")
    outputs = both(i)
    model = keras.Model(i, outputs[0] if state else outputs)
    x = model_zoo.real(4, 6, 3)
    names = [both.forward_layer.name, both.backward_layer.name]
    log, values = logged(tmp_path, model, x, ["both", *names])
    part = ".0" if state else ""
    halves = [f"both/{name}{part}" for name in names]
    for found in (log, values):
        close(np.concatenate([found[name] for name in halves], axis=-1), found[f"both{part}"])


def test_the_backward_half_that_returns_its_last_step_is_as_it_is():
    i = keras.Input((6, 3))
    both = L.Bidirectional(L.SimpleRNN(6, name="rnn"), name="both")
    model = keras.Model(i, both(i))
    values = tba.capture(model, model_zoo.real(2, 6, 3))
    close(values["both"][:, 6:], values[f"both/{both.backward_layer.name}"])


def test_calls_of_a_shared_layer_are_numbered_as_the_graph_runs_them():
    """Back from the outputs, first input first; not as the lines that built the model stand."""
    dense = L.Dense(3, name="dense")
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    of_b, of_a = dense(b), dense(a)
    model = keras.Model([a, b], L.Concatenate(name="join")([of_a, of_b]))
    values = tba.capture(model, [np.ones((2, 3), "f4"), np.zeros((2, 3), "f4")])
    assert list(values) == ["dense", "dense:2", "join"]
    assert values["dense"].any() and not values["dense:2"].any()
